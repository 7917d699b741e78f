/** Values of columns: what is written is made as the database would keep it, and compared as it would. */
import { Prisma } from '@coppice/api/platform/generated/client.js';
import type { Column } from './schema.js';

export type Row = Readonly<Record<string, unknown>>;

/** An object with named values: what Prisma's arguments are made of. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date) && !(value instanceof Uint8Array);
}

/** As the database keeps it. JSON is copied and frozen, so that nobody changes a row by accident. */
export function stored(column: Column, value: unknown): unknown {
  if (value === null || value === Prisma.DbNull || value === Prisma.JsonNull) {
    if (!column.isOptional) throw new Error(`column ${column.name} may not be null`);
    return null;
  }
  if (column.isList) return Object.freeze(Array.isArray(value) ? [...value] : []);
  switch (column.type) {
    case 'Json':
      return frozen(JSON.parse(JSON.stringify(value)));
    case 'BigInt':
      return typeof value === 'bigint' ? value : BigInt(Number(value));
    case 'DateTime':
      return new Date(value instanceof Date || typeof value === 'number' || typeof value === 'string' ? value : Number.NaN);
    default:
      return value;
  }
}

function frozen(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) frozen(inner);
    Object.freeze(value);
  }
  return value;
}

/** Below, equal or above zero; not a number where one of them is null, as in SQL. */
export function compared(left: unknown, right: unknown): number {
  const [a, b] = [comparable(left), comparable(right)];
  if (a === null || b === null) return Number.NaN;
  return a < b ? -1 : a > b ? 1 : 0;
}

function comparable(value: unknown): string | number | bigint | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.getTime();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string') return value;
  if (typeof value === 'boolean') return Number(value);
  return JSON.stringify(value);
}
