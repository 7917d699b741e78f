/**
 * RV-8: five snapshots in two branches, deleted one by one in every order; after each step every survivor and the machine itself are compared with what
 * they showed when they were made. All 120 orders, stopped and running, with COPPICE_ALL_ORDERS=1; otherwise a choice by COPPICE_TEST_SEED.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { guestExec, ProgramError, runProgram, waitForGuestAgent } from '@coppice/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Seeded } from '../simulator/seeded.js';
import { writePatterns } from '../testkit/content.js';
import { expectOneOperationAtATime } from '../testkit/on-disk.js';
import { disksOf, headOf, layerFilesOf } from '../testkit/outside-probes.js';
import { findSnapshot, takeSnapshot } from '../testkit/snapshot-calls.js';
import { deleteSnapshots, revertTo } from '../testkit/tree-calls.js';
import { becomesSmallest, expectSame, treeContent } from '../testkit/tree-content.js';
import { waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const DEADLINE_MS = 60_000;

/** a ← b ← c, and a ← d ← e: the machine goes back to a before d. */
const NODES = ['a', 'b', 'c', 'd', 'e'] as const;
type Node = (typeof NODES)[number];
type Order = readonly Node[];

const isWhole = process.env['COPPICE_ALL_ORDERS'] === '1';
const seed = Number(process.env['COPPICE_TEST_SEED'] ?? 8);
const STOPPED = chosen(isWhole ? 120 : 8);
const RUNNING = chosen(isWhole ? 120 : 2);
const ORDER_DEADLINE_MS = 300_000;

let world: World;

beforeAll(async () => {
  world = await World.start();
});
afterAll(async () => {
  await world?.stop();
});

function owner() {
  return world.as(world.acme.ownerToken);
}

it(
  `RV-8: stopped, ${STOPPED.length} orders (seed ${seed})`,
  async () => {
    const machines = await Promise.all(['h1', 'h2'].map((host) => world.addMachine({ name: `stopped-${host}`, host, power: 'off' })));
    await inLanes(machines, STOPPED, stoppedOrder);
  },
  STOPPED.length * ORDER_DEADLINE_MS,
);

it(
  `RV-8: running, ${RUNNING.length} orders (seed ${seed})`,
  async () => {
    const machines = await Promise.all(['h1', 'h2'].map((host) => world.addMachine({ name: `running-${host}`, host })));
    await inLanes(machines, RUNNING, runningOrder);
  },
  RUNNING.length * ORDER_DEADLINE_MS,
);

it('and after all of it nothing is left running or claimed', async () => {
  await waitUntil('the system to have nothing to do', async () => {
    const rows = await world.database.sql(`SELECT 1 FROM operation WHERE state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')`);
    return rows.length === 0;
  });
  await expectOneOperationAtATime(world);
});

/** Makes the tree on a machine that is off, with the same bytes each time, and deletes it; only its first disk has snapshots. */
async function stoppedOrder(known: KnownMachine, order: Order): Promise<void> {
  const references = join(world.dir, known.machine.name);
  await mkdir(references, { recursive: true });
  const ids = await plantStopped(known, references);
  const gone = new Set<Node>();
  for (const node of order) {
    await deleteSnapshots(owner(), known, { snapshotIds: [ids[node]] });
    gone.add(node);
    for (const other of NODES.filter((name) => !gone.has(name))) await expectShows(await layerOf(ids[other]), join(references, other));
    await expectShows(await headOf(known.machine, 'vda'), join(references, 'head'));
  }
  await becomesSmallest(world, known);
  expect(await layerFilesOf(world.poolDir, known.machine.guest.disks[0]?.volumeUuid ?? '')).toHaveLength(1);
}

async function plantStopped(known: KnownMachine, references: string): Promise<Readonly<Record<Node, string>>> {
  // What the round before has left must not shine through.
  await writePatterns(await headOf(known.machine, 'vda'), [{ offset: MIB, length: 48 * MIB, byte: 0 }]);
  return plant({
    known,
    write: async (name, n) => {
      await writePatterns(await headOf(known.machine, 'vda'), patternsOf(n));
      if (name === 'head') await keepReference(await headOf(known.machine, 'vda'), join(references, name));
    },
    taken: async (name, id) => keepReference(await layerOf(id), join(references, name)),
    kindOfFirst: 'DISK',
  });
}

/** The same below a guest that writes; it goes back to `a` with its memory, so that it need not boot. */
async function runningOrder(known: KnownMachine, order: Order): Promise<void> {
  const ids = await plant({
    known,
    write: async (name, n) => {
      const script = `dd if=/dev/urandom of=/a/same bs=65536 count=${8 + n} 2>/dev/null && echo ${name} > /b/name && sync`;
      const { exitCode, stderr } = await guestExec(known.machine, ['sh', '-c', script], DEADLINE_MS);
      if (exitCode !== 0) throw new Error(`the guest could not write: ${stderr}`);
    },
    taken: async () => undefined,
    kindOfFirst: 'DISK_AND_MEMORY',
  });
  for (const node of order) {
    const before = await treeContent(world, known);
    await deleteSnapshots(owner(), known, { snapshotIds: [ids[node]] });
    expectSame(before, await treeContent(world, known), [ids[node]]);
    await known.machine.writes();
    expect(await disksOf(known.machine, 'live')).toEqual(await disksOf(known.machine, 'persistent'));
  }
}

interface Planting {
  readonly known: KnownMachine;
  readonly write: (name: Node | 'head', n: number) => Promise<void>;
  readonly taken: (name: Node, id: string) => Promise<void>;
  readonly kindOfFirst: 'DISK' | 'DISK_AND_MEMORY';
}

async function plant({ known, write, taken, kindOfFirst }: Planting): Promise<Readonly<Record<Node, string>>> {
  const take = async (name: Node, n: number): Promise<string> => {
    await write(name, n);
    const kind = name === 'a' ? kindOfFirst : 'DISK';
    const volumeIds = kindOfFirst === 'DISK' ? { volumeIds: [known.volumes['vda'] ?? ''] } : {};
    const { id } = await takeSnapshot(owner(), known, { name, kind, ...volumeIds });
    await taken(name, id);
    return id;
  };
  const [a, b, c] = [await take('a', 1), await take('b', 2), await take('c', 3)];
  await write('head', 4);
  await revertTo(owner(), known, { snapshot: { id: a } });
  if ((await known.machine.state()) === 'running') await waitForGuestAgent(known.machine.libvirtUri, known.machine.name, DEADLINE_MS);
  const [d, e] = [await take('d', 5), await take('e', 6)];
  await write('head', 7);
  return { a, b, c, d, e };
}

/** Something of its own, and something that every node writes over, more or less of it. */
function patternsOf(n: number) {
  return [
    { offset: n * MIB, length: 70 * KIB * n, byte: n },
    { offset: 32 * MIB, length: 3 * MIB - n * 200 * KIB, byte: 100 + n },
  ];
}

async function layerOf(snapshotId: string): Promise<string> {
  const [disk] = (await findSnapshot(world.admin, snapshotId))?.disks ?? [];
  if (disk === undefined) throw new Error(`snapshot ${snapshotId} has no disk`);
  return world.layerPath(disk);
}

/** Copies what a reader of the layer sees: apart from every chain. */
async function keepReference(layer: string, reference: string): Promise<void> {
  await runProgram('qemu-img', ['convert', '-U', '-f', 'qcow2', '-O', 'raw', layer, reference], { deadlineMs: DEADLINE_MS });
}

/** Asserts that a layer shows every byte of its reference. */
async function expectShows(layer: string, reference: string): Promise<void> {
  const argv = ['compare', '-U', '-f', 'qcow2', '-F', 'raw', layer, reference];
  await runProgram('qemu-img', argv, { deadlineMs: DEADLINE_MS }).catch((error: unknown) => {
    if (error instanceof ProgramError) throw new Error(`${layer} is not what it was: ${error.message}`, { cause: error });
    throw error;
  });
}

/** Each machine takes the next order as soon as it is done with one. */
async function inLanes(
  machines: readonly KnownMachine[],
  orders: readonly Order[],
  run: (known: KnownMachine, order: Order) => Promise<void>,
): Promise<void> {
  const left = [...orders];
  const lane = async (known: KnownMachine): Promise<void> => {
    for (let order = left.shift(); order !== undefined; order = left.shift()) {
      const said = order.join(' ');
      await run(known, order).catch((error: unknown) => {
        left.length = 0;
        throw new Error(`in the order ${said}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      });
    }
  };
  await Promise.all(machines.map(lane));
}

function chosen(count: number): readonly Order[] {
  const chance = new Seeded(seed);
  const shuffled = ordersOf([...NODES])
    .map((order) => ({ order, at: chance.next() }))
    .toSorted((a, b) => a.at - b.at);
  return shuffled.slice(0, count).map(({ order }) => order);
}

function ordersOf(nodes: readonly Node[]): Order[] {
  if (nodes.length === 0) return [[]];
  return nodes.flatMap((first) => ordersOf(nodes.filter((node) => node !== first)).map((rest) => [first, ...rest]));
}
