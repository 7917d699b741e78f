/** What prisma/schema.prisma says of models, read from its text: the record in memory follows the schema by itself. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { newId } from '@coppice/api/platform/ids.js';

/** A column. `fallback` makes its default; undefined where it has none. */
export type Column = { name: string; type: string; isList: boolean; isOptional: boolean; fallback: (() => unknown) | undefined };

/** From one model to another: rows are related where `here` of the one equals `there` of the other. `isOwner`: the key is here. */
export type Relation = { name: string; model: string; isList: boolean; isOwner: boolean; here: string; there: string };

/** A set of columns that no two rows share; `key` is what Prisma calls it. */
type Unique = { key: string; columns: readonly string[] };

export type Model = {
  name: string;
  /** Its name in SQL, and on the client. */
  table: string;
  delegate: string;
  columns: ReadonlyMap<string, Column>;
  relations: ReadonlyMap<string, Relation>;
  uniques: readonly Unique[];
};

type Line = { name: string; type: string; mark: string; rest: string };
type Block = { name: string; lines: Line[]; attributes: string[] };

/** All models by name. Throws where the text has something that it does not know. */
export function readSchema(path: URL): ReadonlyMap<string, Model> {
  const blocks = [...readFileSync(path, 'utf8').matchAll(/^model (\w+) \{\n([\s\S]*?)^\}/gm)].map(([, name = '', body = '']) =>
    toBlock(name, body),
  );
  return new Map(blocks.map((block) => [block.name, toModel(block, blocks)]));
}

function toBlock(name: string, body: string): Block {
  const lines = body.split('\n').map((line) => line.replace(/\/\/.*$/, '').trim());
  return {
    name,
    attributes: lines.filter((line) => line.startsWith('@@')),
    lines: lines.flatMap((line) => {
      const [, field, type, mark = '', rest = ''] = /^(\w+)\s+(\w+)(\[\]|\?)?\s*(.*)$/.exec(line) ?? [];
      return field && type ? [{ name: field, type, mark, rest }] : [];
    }),
  };
}

function toModel(block: Block, blocks: readonly Block[]): Model {
  const names = new Set(blocks.map((one) => one.name));
  const own = block.lines.filter((line) => !names.has(line.type));
  const single = own.filter((line) => /@(id|unique)\b/.test(line.rest)).map(({ name }) => ({ key: name, columns: [name] }));
  const several = block.attributes.flatMap((text) => {
    const [, list = ''] = /^@@(?:id|unique)\(\[([^\]]*)\]/.exec(text) ?? [];
    const columns = list.split(',').map((column) => column.trim());
    return list === '' ? [] : [{ key: columns.join('_'), columns }];
  });
  return {
    name: block.name,
    table: /@@map\("(\w+)"\)/.exec(block.attributes.join('\n'))?.[1] ?? block.name,
    delegate: block.name.charAt(0).toLowerCase() + block.name.slice(1),
    columns: new Map(own.map((line) => [line.name, toColumn(line)])),
    relations: new Map(block.lines.filter((line) => names.has(line.type)).map((line) => [line.name, toRelation(block, line, blocks)])),
    uniques: [...single, ...several],
  };
}

function toColumn({ name, type, mark, rest }: Line): Column {
  // Two pairs of parentheses inside: dbgenerated("gen_random_uuid()").
  const said = /@default\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)/.exec(rest)?.[1];
  return { name, type, isList: mark === '[]', isOptional: mark === '?', fallback: said === undefined ? undefined : fallbackOf(type, said) };
}

function fallbackOf(type: string, said: string): () => unknown {
  if (said === 'uuid(7)') return newId;
  if (said === 'now()') return () => new Date();
  if (said === 'autoincrement()') return counter();
  if (said.startsWith('dbgenerated(')) return randomUUID;
  if (said === '[]') return () => [];
  if (said === 'true' || said === 'false') return () => said === 'true';
  if (type === 'BigInt') return () => BigInt(said);
  if (type === 'Int') return () => Number(said);
  if (type === 'Json') return () => JSON.parse(JSON.parse(said));
  return () => said.replaceAll('"', '');
}

function counter(): () => bigint {
  let last = 0n;
  return () => (last += 1n);
}

function relationName(line: Line): string | undefined {
  return /@relation\("(\w+)"/.exec(line.rest)?.[1];
}

function toRelation(block: Block, line: Line, blocks: readonly Block[]): Relation {
  const keys = keysOf(line);
  const isList = line.mark === '[]';
  if (keys) return { name: line.name, model: line.type, isList, isOwner: true, ...keys };
  const other = blocks.find((one) => one.name === line.type);
  const opposite = other?.lines.find(
    (one) => one.type === block.name && keysOf(one) !== null && relationName(one) === relationName(line) && one !== line,
  );
  const theirs = opposite ? keysOf(opposite) : null;
  if (!theirs) throw new Error(`the relation ${block.name}.${line.name} has no other side`);
  return { name: line.name, model: line.type, isList, isOwner: false, here: theirs.there, there: theirs.here };
}

function keysOf(line: Line): { here: string; there: string } | null {
  const [, here, there] = /fields: \[(\w+)\], references: \[(\w+)\]/.exec(line.rest) ?? [];
  return here && there ? { here, there } : null;
}
