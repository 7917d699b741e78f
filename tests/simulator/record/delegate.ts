/** What the Prisma client offers for one model, over the tables in memory: those calls that the stores make. */
import { matches } from './filter.js';
import type { Model, Relation } from './schema.js';
import { RecordError, type Tables } from './tables.js';
import { compared, isObject, type Row } from './values.js';

type Given = Readonly<Record<string, unknown>>;
type Calls = Readonly<Record<string, (given: Given) => unknown>>;

/** The calls of one model. Each is done at once; whoever offers them makes promises of them. */
export function callsOf(tables: Tables, model: Model): Calls {
  const find = (given: Given) => found(tables, model, given);
  const show = (row: Row, given: Given) => shown(tables, model, { row, given });
  const one = (given: Given) => {
    const [row] = candidates(tables, model, given).filter((candidate) => matches(tables, model, { row: candidate, where: given['where'] }));
    return row;
  };
  const expectOne = (given: Given) => {
    const row = one(given);
    if (!row) throw new RecordError('P2025', `no ${model.name} is there for ${Object.keys(given).join(', ')}`);
    return row;
  };
  const first = (given: Given) => find({ ...given, take: 1 })[0];
  return {
    findUnique: (given) => orNull(one(given), (row) => show(row, given)),
    findUniqueOrThrow: (given) => show(expectOne(given), given),
    findFirst: (given) => orNull(first(given), (row) => show(row, given)),
    findMany: (given) => find(given).map((row) => show(row, given)),
    count: (given) => find(given).length,
    aggregate: (given) => aggregated(find({ where: given['where'] }), given),
    create: (given) => show(created(tables, model, given['data']), given),
    createMany: (given) => createdMany(tables, model, given),
    update: (given) => show(updated(tables, model, { row: expectOne(given), data: given['data'] }), given),
    updateMany: (given) => ({ count: find(given).map((row) => updated(tables, model, { row, data: given['data'] })).length }),
    updateManyAndReturn: (given) =>
      find({ where: given['where'] }).map((row) => show(updated(tables, model, { row, data: given['data'] }), given)),
    upsert: (given) => {
      const row = one(given);
      return show(row ? updated(tables, model, { row, data: given['update'] }) : created(tables, model, given['create']), given);
    },
    delete: (given) => {
      const row = expectOne(given);
      tables.delete(model, row);
      return show(row, given);
    },
    deleteMany: (given) => {
      const rows = find(given);
      for (const row of rows) tables.delete(model, row);
      return { count: rows.length };
    },
  };
}

function orNull<T>(row: Row | undefined, show: (row: Row) => T): T | null {
  return row ? show(row) : null;
}

/** Rows that the filter may mean: the one with the id, where it names one. */
function candidates(tables: Tables, model: Model, given: Given): Row[] {
  const { where } = given;
  const id = isObject(where) ? where['id'] : undefined;
  if (id === undefined || !model.columns.has('id')) return tables.rows(model.name);
  if (isObject(id) && Array.isArray(id['in']) && Object.keys(id).length === 1) {
    const wanted = new Set<unknown>(id['in']);
    return [...wanted].flatMap((one): Row[] => {
      const found = tables.byId(model.name, one);
      return found ? [found] : [];
    });
  }
  if (isObject(id)) return tables.rows(model.name);
  const row = tables.byId(model.name, id);
  return row ? [row] : [];
}

function found(tables: Tables, model: Model, given: Given): Row[] {
  let rows = candidates(tables, model, given).filter((row) => matches(tables, model, { row, where: given['where'] }));
  const order = ([] as unknown[]).concat(given['orderBy'] ?? []);
  if (order.length > 0) rows.sort((left, right) => ordered(order, left, right));
  const { distinct } = given;
  if (Array.isArray(distinct)) {
    const seen = new Set<string>();
    const keyOf = (row: Row) => distinct.map((column) => String(row[String(column)])).join('\n');
    rows = rows.filter((row) => !seen.has(keyOf(row)) && seen.add(keyOf(row)));
  }
  return given['take'] === undefined ? rows : rows.slice(0, Number(given['take']));
}

/** Nulls are last going up and first going down, as PostgreSQL has it. */
function ordered(order: readonly unknown[], left: Row, right: Row): number {
  for (const one of order) {
    if (!isObject(one)) continue;
    for (const [column, direction] of Object.entries(one)) {
      if (direction !== 'asc' && direction !== 'desc') throw new Error(`the record in memory cannot order by ${column}`);
      const [a, b] = [left[column], right[column]];
      const up = a === null || b === null ? Number(a === null) - Number(b === null) : compared(a, b);
      if (up !== 0) return direction === 'asc' ? up : -up;
    }
  }
  return 0;
}

/** What the caller gets: chosen columns, and related rows. */
function shown(tables: Tables, model: Model, { row, given }: { row: Row; given: Given }): Row {
  const { select, include, omit } = given;
  if (isObject(select)) {
    return Object.fromEntries(
      Object.entries(select).flatMap(([name, wanted]) => (wanted ? [[name, part(tables, model, { row, name, wanted })]] : [])),
    );
  }
  const answer: Record<string, unknown> = { ...row };
  if (isObject(omit)) for (const [name, isLeftOut] of Object.entries(omit)) if (isLeftOut) delete answer[name];
  if (isObject(include)) {
    for (const [name, wanted] of Object.entries(include)) if (wanted) answer[name] = part(tables, model, { row, name, wanted });
  }
  return answer;
}

function part(tables: Tables, model: Model, { row, name, wanted }: { row: Row; name: string; wanted: unknown }): unknown {
  const relation = model.relations.get(name);
  if (!relation) {
    if (!model.columns.has(name)) throw new Error(`the record in memory has no ${model.name}.${name}`);
    return row[name];
  }
  return relatedShown(tables, relation, { row, given: isObject(wanted) ? wanted : {} });
}

function relatedShown(tables: Tables, relation: Relation, { row, given }: { row: Row; given: Given }): unknown {
  const other = tables.model(relation.model);
  const rows = tables.related(relation, row);
  if (!relation.isList) return rows[0] ? shown(tables, other, { row: rows[0], given }) : null;
  const order = ([] as unknown[]).concat(given['orderBy'] ?? []);
  const wanted = rows.filter((one) => matches(tables, other, { row: one, where: given['where'] }));
  return wanted.sort((left, right) => ordered(order, left, right)).map((one) => shown(tables, other, { row: one, given }));
}

function created(tables: Tables, model: Model, data: unknown): Row {
  if (!isObject(data)) throw new Error(`nothing to create a ${model.name} of`);
  const { own, nested } = split(model, data);
  const row = tables.insert(model, own);
  createNested(tables, row, nested);
  return row;
}

type Nested = readonly { relation: Relation; rows: readonly unknown[] }[];

/** Columns, and rows of other models that are to be made with it. */
function split(model: Model, data: Given): { own: Record<string, unknown>; nested: Nested } {
  const own: Record<string, unknown> = {};
  const nested: { relation: Relation; rows: readonly unknown[] }[] = [];
  for (const [name, value] of Object.entries(data)) {
    const relation = model.relations.get(name);
    if (value === undefined) continue;
    if (!relation) own[name] = value;
    else if (isObject(value) && Object.keys(value).join() === 'create')
      nested.push({ relation, rows: ([] as unknown[]).concat(value['create'] ?? []) });
    else throw new Error(`the record in memory cannot write ${model.name}.${name} so`);
  }
  return { own, nested };
}

function createNested(tables: Tables, row: Row, nested: Nested): void {
  for (const { relation, rows } of nested) {
    for (const one of rows) {
      created(tables, tables.model(relation.model), { ...(isObject(one) ? one : {}), [relation.there]: row[relation.here] });
    }
  }
}

function createdMany(tables: Tables, model: Model, given: Given): { count: number } {
  let count = 0;
  for (const data of ([] as unknown[]).concat(given['data'] ?? [])) {
    try {
      created(tables, model, data);
      count += 1;
    } catch (error) {
      if (!given['skipDuplicates'] || !(error instanceof RecordError) || error.code !== 'P2002') throw error;
    }
  }
  return { count };
}

function updated(tables: Tables, model: Model, { row, data }: { row: Row; data: unknown }): Row {
  if (!isObject(data)) throw new Error(`nothing to write into a ${model.name}`);
  const { own, nested } = split(model, data);
  const values = Object.entries(own).map(([name, value]) => [name, changed(row[name], model.columns.get(name)?.type, value)]);
  const after = tables.update(model, row, Object.fromEntries(values));
  createNested(tables, after, nested);
  return after;
}

function changed(before: unknown, type: string | undefined, value: unknown): unknown {
  if (type === 'Json' || !isObject(value)) return value;
  const [[operator, operand] = ['', undefined]] = Object.entries(value);
  if (operator === 'set') return operand;
  if (operator !== 'increment' && operator !== 'decrement') return value;
  const sign = operator === 'increment' ? 1 : -1;
  return typeof before === 'bigint' ? before + BigInt(sign) * BigInt(Number(operand)) : Number(before) + sign * Number(operand);
}

function aggregated(rows: readonly Row[], given: Given): Row {
  const answer: Record<string, unknown> = {};
  const { _max: most } = given;
  if (Object.keys(given).some((key) => key !== 'where' && key !== '_max')) throw new Error('the record in memory aggregates only _max');
  if (isObject(most)) {
    answer['_max'] = Object.fromEntries(
      Object.keys(most).map((column) => [
        column,
        rows.map((row) => row[column]).reduce((a, b) => (a === undefined || compared(b, a) > 0 ? b : a), undefined) ?? null,
      ]),
    );
  }
  return answer;
}
