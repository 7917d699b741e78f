/**
 * The record in memory against PostgreSQL: whatever a schedule had in it on its way is put into a database, and what the stores read of it,
 * in SQL or by Prisma, is the same in both.
 */
import { stuckMachines } from '@coppice/api/machines/settle/settle.store.js';
import { readMachineFacts } from '@coppice/api/machines/machine-facts.store.js';
import { readRecordedDisks } from '@coppice/api/machines/inventory.store.js';
import { expiredCommandIds, hostsWithPending } from '@coppice/api/operations/command.store.js';
import { openOperations } from '@coppice/api/operations/operation.store.js';
import { type Database, openDatabase, type Reader } from '@coppice/api/platform/database.js';
import { dueMachines } from '@coppice/api/vm-snapshots/delete/consolidate.store.js';
import { layersToMeasure, machinesToMeasure } from '@coppice/api/volumes/measure/measure.store.js';
import { volumesOfMachines } from '@coppice/api/volumes/volume.store.js';
import { expect, it } from 'vitest';
import { createDatabase } from '../../testkit/database.js';
import { scheduleOf } from '../schedules.js';
import { runSchedule } from '../simulation.js';
import { MemoryRecord, type RecordContent } from './record.js';

/** Seeds whose schedules are stopped on their way, and at how many commits. */
const SEEDS = [1, 2, 3, 5, 8, 13];
const EVERY_COMMITS = 120;

async function contents(seed: number): Promise<RecordContent[]> {
  const seen: RecordContent[] = [];
  let commits = 0;
  await runSchedule({
    ...scheduleOf(seed),
    committed: (record) => {
      commits += 1;
      if (commits % EVERY_COMMITS === 0) seen.push(record.content());
    },
  });
  return seen.slice(-6);
}

const LONG = { timeout: 100_000 };

/** All rows, without asking for foreign keys: their order is of no matter. */
async function fill(database: Database, content: RecordContent): Promise<void> {
  await database.$transaction(async (transaction) => {
    await transaction.$executeRaw`SET LOCAL session_replication_role = replica`;
    // It is long, and this process may have to wait in its middle.
    await transaction.$executeRaw`SET LOCAL idle_in_transaction_session_timeout = 0`;
    for (const { delegate, rows } of content) {
      const model: unknown = Reflect.get(transaction, delegate);
      if (typeof model !== 'object' || model === null) throw new Error(`there is no ${delegate}`);
      const create: unknown = Reflect.get(model, 'createMany');
      if (typeof create === 'function' && rows.length > 0) await Reflect.apply(create, model, [{ data: rows.map(withoutNull) }]);
    }
  }, LONG);
}

/** Prisma takes null for JSON by another name; left out it is null as well. */
function withoutNull(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
}

/** What the stores read, by their names. */
async function readings(reader: Reader): Promise<Record<string, unknown>> {
  const machines = await reader.virtualMachine.findMany({ orderBy: { id: 'asc' } });
  const hosts = await reader.host.findMany({ orderBy: { id: 'asc' } });
  const [machineIds, hostIds] = [machines.map((machine) => machine.id), hosts.map((host) => host.id)];
  const each = <T>(read: (machineId: string) => Promise<T>) => Promise.all(machineIds.map(read));
  return {
    machines,
    hosts,
    facts: await each((id) => readMachineFacts(reader, id, { garbage: true })),
    disks: await each((id) => readRecordedDisks(reader, id)),
    toMeasure: await each((id) => layersToMeasure(reader, id)),
    measured: await machinesToMeasure(reader, hostIds),
    due: await dueMachines(reader),
    stuck: await stuckMachines(reader),
    volumes: await volumesOfMachines(reader, machineIds),
    open: await openOperations(reader),
    expired: await expiredCommandIds(reader, new Date('2999-01-01T00:00:00Z')),
    pending: await hostsWithPending(reader, hostIds),
  };
}

/** Without the order of what comes in no order, and without whose Date it is. */
function told(value: unknown): unknown {
  if (value instanceof Map || value instanceof Set) return told([...value]);
  if (Object.prototype.toString.call(value) === '[object Date]') return String(value instanceof Date ? value.getTime() : value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return value.map(told).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, told(inner)]));
}

it('reads the same as PostgreSQL, at every moment of a schedule', async () => {
  const server = await createDatabase();
  const database = openDatabase({ url: server.url, name: 'record.test', lost: () => undefined });
  let compared = 0;
  try {
    for (const seed of SEEDS) {
      for (const content of await contents(seed)) {
        await server.sql(`TRUNCATE ${content.map(({ table }) => `"${table}"`).join(', ')} CASCADE`);
        await fill(database, content);
        const memory = MemoryRecord.of(content).connect().database;
        expect(told(await readings(memory)), `seed ${seed}`).toEqual(told(await readings(database)));
        compared += 1;
      }
    }
  } finally {
    await database.$disconnect();
    await server.close();
  }
  expect(compared).toBeGreaterThan(10);
});
