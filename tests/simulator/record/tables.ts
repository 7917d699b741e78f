/** The rows, with the rules that a schema puts on them: unique columns, foreign keys. One transaction at a time changes them. */
import { newId } from '@coppice/api/platform/ids.js';
import type { Column, Model, Relation } from './schema.js';
import { compared, type Row, stored } from './values.js';

/** An error with a code of Prisma's. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Unique indexes over some of the rows: Prisma's schema cannot say them, the migrations do. */
const PARTIAL: Record<string, readonly { columns: readonly string[]; holds: (row: Row) => boolean }[]> = {
  StoragePool: [
    { columns: ['clusterId', 'name'], holds: (row) => row['hostId'] === null },
    { columns: ['hostId', 'name'], holds: (row) => row['hostId'] !== null },
  ],
  VmSnapshot: [{ columns: ['virtualMachineId', 'name'], holds: (row) => row['state'] !== 'REMOVED' }],
};

type Change = { model: string; key: unknown; before: Row | undefined };

/** Rows by a number that they keep for life; `undo` holds what a transaction has changed. */
export class Tables {
  readonly #models: ReadonlyMap<string, Model>;
  readonly #rows = new Map<string, Map<unknown, Row>>();
  readonly #keys = new WeakMap<Row, unknown>();
  #lastKey = 0;
  #undo: Change[] | null = null;

  constructor(models: ReadonlyMap<string, Model>) {
    this.#models = models;
    for (const name of models.keys()) this.#rows.set(name, new Map());
  }

  get models(): ReadonlyMap<string, Model> {
    return this.#models;
  }

  model(name: string): Model {
    const found = this.#models.get(name);
    if (!found) throw new Error(`there is no model ${name}`);
    return found;
  }

  /** All rows of a model, oldest first. */
  rows(model: string): Row[] {
    return [...this.#table(model).values()];
  }

  /** The row with this id, where the model has one. */
  byId(model: string, id: unknown): Row | undefined {
    return this.#table(model).get(id);
  }

  related(relation: Relation, row: Row): Row[] {
    const value = row[relation.here];
    if (value === null || value === undefined) return [];
    if (relation.there === 'id') {
      const found = this.byId(relation.model, value);
      return found ? [found] : [];
    }
    return this.rows(relation.model).filter((other) => other[relation.there] === value);
  }

  insert(model: Model, data: Readonly<Record<string, unknown>>): Row {
    const row: Record<string, unknown> = {};
    for (const column of model.columns.values()) row[column.name] = stored(column, initial(column, data[column.name]));
    for (const name of Object.keys(data)) {
      if (!model.columns.has(name)) throw new Error(`${model.name} has no column ${name}`);
    }
    const key = row['id'] ?? `row ${(this.#lastKey += 1)}`;
    this.#check(model, row, null);
    if (this.#table(model.name).has(key)) throw duplicate(model, ['id']);
    return this.#put(model, key, row);
  }

  update(model: Model, row: Row, data: Readonly<Record<string, unknown>>): Row {
    const changed: Record<string, unknown> = { ...row };
    for (const [name, value] of Object.entries(data)) {
      const column = model.columns.get(name);
      if (!column) throw new Error(`${model.name} has no column ${name}`);
      changed[name] = stored(column, value);
    }
    this.#check(model, changed, row);
    return this.#put(model, this.#keys.get(row), changed);
  }

  delete(model: Model, row: Row): void {
    for (const relation of model.relations.values()) {
      if (relation.isOwner) continue;
      const other = this.model(relation.model);
      for (const reader of this.related(relation, row)) {
        if (!other.columns.get(relation.there)?.isOptional) throw new RecordError('P2003', `${other.name} refers to ${model.name}`);
        this.update(other, reader, { [relation.there]: null });
      }
    }
    const key = this.#keys.get(row);
    this.#undo?.push({ model: model.name, key, before: row });
    this.#table(model.name).delete(key);
  }

  /** These rows and no others. */
  restore(content: readonly { model: string; rows: readonly Row[] }[]): void {
    for (const { model, rows } of content) {
      this.#table(model).clear();
      for (const row of rows) this.#put(this.model(model), row['id'] ?? `row ${(this.#lastKey += 1)}`, { ...row });
    }
  }

  /** What is changed from here on can be taken back. */
  begin(): void {
    this.#undo = [];
  }

  commit(): void {
    this.#undo = null;
  }

  rollBack(): void {
    for (const { model, key, before } of (this.#undo ?? []).toReversed()) {
      if (before) this.#table(model).set(key, before);
      else this.#table(model).delete(key);
    }
    this.#undo = null;
  }

  #table(model: string): Map<unknown, Row> {
    const found = this.#rows.get(model);
    if (!found) throw new Error(`there is no model ${model}`);
    return found;
  }

  #put(model: Model, key: unknown, row: Row): Row {
    const table = this.#table(model.name);
    this.#undo?.push({ model: model.name, key, before: table.get(key) });
    this.#keys.set(row, key);
    table.set(key, row);
    return row;
  }

  #check(model: Model, row: Row, before: Row | null): void {
    for (const { columns } of model.uniques) this.#expectUnique(model, { row, before, columns });
    for (const { columns, holds } of PARTIAL[model.name] ?? []) {
      if (holds(row)) this.#expectUnique(model, { row, before, columns, holds });
    }
    for (const relation of model.relations.values()) {
      const value = row[relation.here];
      if (!relation.isOwner || value === null || before?.[relation.here] === value) continue;
      if (this.related(relation, row).length === 0)
        throw new RecordError('P2003', `${model.name}.${relation.here} names no ${relation.model}`);
    }
  }

  #expectUnique(model: Model, of: { row: Row; before: Row | null; columns: readonly string[]; holds?: (row: Row) => boolean }): void {
    const { row, before, columns, holds } = of;
    if (columns.length === 1 && columns[0] === 'id') return;
    if (columns.some((column) => row[column] === null)) return;
    if (before && (!holds || holds(before)) && columns.every((column) => compared(row[column], before[column]) === 0)) return;
    const isSame = (other: Row) =>
      other !== before && (!holds || holds(other)) && columns.every((column) => compared(row[column], other[column]) === 0);
    for (const other of this.#table(model.name).values()) if (isSame(other)) throw duplicate(model, columns);
  }
}

function initial(column: Column, given: unknown): unknown {
  if (given !== undefined) return given;
  if (column.fallback) return column.fallback();
  if (column.isOptional) return null;
  if (column.name === 'id') return newId();
  throw new Error(`column ${column.name} has no value and no default`);
}

function duplicate(model: Model, columns: readonly string[]): RecordError {
  return new RecordError('P2002', `${model.name}: ${columns.join(', ')} is taken`);
}
