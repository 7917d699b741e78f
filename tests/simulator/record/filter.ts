/** Which rows a `where` of Prisma means. What it does not know it refuses: a filter that is not understood would find the wrong rows. */
import type { Model, Relation } from './schema.js';
import type { Tables } from './tables.js';
import { compared, isObject, type Row } from './values.js';

/** True where the row is meant. */
export function matches(tables: Tables, model: Model, { row, where }: { row: Row; where: unknown }): boolean {
  if (!isObject(where)) return true;
  for (const [key, wanted] of Object.entries(where)) {
    if (wanted !== undefined && !matchesOne(tables, model, { row, key, wanted })) return false;
  }
  return true;
}

type One = { row: Row; key: string; wanted: unknown };

function matchesOne(tables: Tables, model: Model, { row, key, wanted }: One): boolean {
  const all = (list: unknown) => (Array.isArray(list) ? list : [list]);
  switch (key) {
    case 'AND':
      return all(wanted).every((where) => matches(tables, model, { row, where }));
    case 'OR':
      return all(wanted).some((where) => matches(tables, model, { row, where }));
    case 'NOT':
      return !all(wanted).some((where) => matches(tables, model, { row, where }));
    default: {
      const relation = model.relations.get(key);
      if (relation) return matchesRelated(tables, relation, { row, wanted });
      if (model.columns.has(key)) return matchesValue(row[key], wanted);
      const unique = model.uniques.find((one) => one.key === key);
      if (!unique || !isObject(wanted)) throw new Error(`the record in memory has no ${model.name}.${key}`);
      return matches(tables, model, { row, where: wanted });
    }
  }
}

function matchesRelated(tables: Tables, relation: Relation, { row, wanted }: { row: Row; wanted: unknown }): boolean {
  const related = tables.related(relation, row);
  const other = tables.model(relation.model);
  const isOne = (where: unknown) => related.some((one) => matches(tables, other, { row: one, where }));
  if (wanted === null) return related.length === 0;
  if (!isObject(wanted)) throw new Error(`the relation ${relation.name} cannot be compared with a value`);
  if ('some' in wanted) return isOne(wanted['some']);
  if ('none' in wanted) return !isOne(wanted['none']);
  if ('every' in wanted) return related.every((one) => matches(tables, other, { row: one, where: wanted['every'] }));
  if ('is' in wanted) return wanted['is'] === null ? related.length === 0 : isOne(wanted['is']);
  if ('isNot' in wanted) return wanted['isNot'] === null ? related.length > 0 : !isOne(wanted['isNot']);
  return isOne(wanted);
}

function matchesValue(value: unknown, wanted: unknown): boolean {
  if (wanted === null) return value === null;
  if (!isObject(wanted)) return compared(value, wanted) === 0;
  return Object.entries(wanted).every(([operator, operand]) => operand === undefined || operates(value, operator, operand));
}

function operates(value: unknown, operator: string, operand: unknown): boolean {
  const among = () => Array.isArray(operand) && operand.some((one) => compared(value, one) === 0);
  switch (operator) {
    case 'equals':
      return matchesValue(value, operand);
    case 'not':
      // Nothing is unlike null in SQL, and null is unlike nothing.
      if (operand === null) return value !== null;
      return value !== null && !matchesValue(value, operand);
    case 'in':
      return among();
    case 'notIn':
      return value !== null && !among();
    case 'lt':
      return compared(value, operand) < 0;
    case 'lte':
      return compared(value, operand) <= 0;
    case 'gt':
      return compared(value, operand) > 0;
    case 'gte':
      return compared(value, operand) >= 0;
    default:
      throw new Error(`the record in memory does not know the filter ${operator}`);
  }
}
