/** What each snapshot of a machine reads, and the forest of its files, looked at from outside; nothing is written. */
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { contentHash } from './content.js';
import { chainOnDisk, disksOf, layerFilesOf, namesOf } from './outside-probes.js';
import { machineIsIdle, treeOf } from './snapshot-calls.js';
import { waitUntil } from './wait-until.js';
import type { KnownMachine, World } from './world.js';

/** Hashes of what each READY snapshot reads, by snapshot id and disk. */
export type TreeContent = ReadonlyMap<string, Readonly<Record<string, string>>>;

/**
 * Reads every READY snapshot of a machine through its own layers. The present state, of a machine that is off, is named `head`. The system may
 * merge layers meanwhile, by itself: what it recorded between the question and the reading makes both be done again.
 */
export async function treeContent(world: World, known: KnownMachine): Promise<TreeContent> {
  for (;;) {
    const before = await recordedSoFar(world, known);
    const read = await readTree(world, known).then(
      (content) => () => content,
      (error: unknown) => () => {
        throw error;
      },
    );
    if ((await recordedSoFar(world, known)) === before) return read();
  }
}

/** Changes with every operation of the machine that begins, and with every command of theirs that ends. */
async function recordedSoFar(world: World, known: KnownMachine): Promise<string> {
  const [row] = await world.database.sql(
    `SELECT count(DISTINCT o.id) || ' ' || count(c.id) FILTER (WHERE c.state = 'FINISHED') AS seen
     FROM operation o LEFT JOIN command c ON c.operation_id = o.id JOIN virtual_machine m ON m.id = o.virtual_machine_id
     WHERE m.domain_uuid = $1`,
    [known.machine.guest.uuid],
  );
  return String(row?.['seen']);
}

async function readTree(world: World, known: KnownMachine): Promise<TreeContent> {
  const { snapshotTree } = await treeOf(world.admin, known);
  const found = new Map<string, Readonly<Record<string, string>>>();
  for (const { id, state, disks } of snapshotTree.nodes) {
    if (state !== 'READY') continue;
    const paths = disks.map((disk) => [disk.target, world.layerPath(disk)] as const);
    found.set(id, await hashesOf(paths));
  }
  if ((await known.machine.state()) === 'shut off') {
    found.set('head', await hashesOf(Object.entries(await disksOf(known.machine, 'persistent'))));
  }
  return found;
}

/** Asserts that everything that is still there reads as it did, and that just these are gone; the head is compared where both have it. */
export function expectSame(before: TreeContent, after: TreeContent, gone: readonly string[]): void {
  const ids = [...before.keys()].filter((id) => !gone.includes(id) && id !== 'head');
  expect([...after.keys()].filter((id) => id !== 'head').toSorted()).toEqual(ids.toSorted());
  for (const id of ids) expect(after.get(id), `what snapshot ${id} reads`).toEqual(before.get(id));
  if (before.has('head') && after.has('head')) expect(after.get('head'), 'what the machine reads').toEqual(before.get('head'));
}

/** The files of one disk as they lie over each other: each file's name by that of the one below, null for a root. */
export async function forestOnDisk(world: World, volumeUuid: string): Promise<ReadonlyMap<string, string | null>> {
  const below = new Map<string, string | null>();
  for (const name of await layerFilesOf(world.poolDir, volumeUuid)) {
    const [image] = await chainOnDisk(join(world.poolDir, name));
    below.set(name, image?.backingName === undefined ? null : basename(image.backingName));
  }
  return below;
}

/**
 * Asserts that no disk of a machine has a file that could be merged away: each one is pinned by a snapshot, written by the machine, or read by
 * two others; and that every file is read by somebody.
 */
export async function expectSmallestForest(world: World, known: KnownMachine): Promise<void> {
  const heads = await disksOf(known.machine, 'persistent');
  const { snapshotTree } = await treeOf(world.admin, known);
  const pinned = new Set(snapshotTree.nodes.flatMap((node) => node.disks.map((disk) => basename(disk.layerPath ?? ''))));
  for (const [index, target] of ['vda', 'vdb'].entries()) {
    const forest = await forestOnDisk(world, known.machine.guest.disks[index]?.volumeUuid ?? '');
    const head = basename(heads[target] ?? '');
    for (const name of forest.keys()) {
      const readers = [...forest.values()].filter((below) => below === name).length;
      const isNeeded = pinned.has(name) || head === name || readers > 1;
      expect(isNeeded, `${name} of ${target}, which ${readers} others read; the forest is ${JSON.stringify([...forest])}`).toBe(true);
    }
  }
}

/** Waits until the system has merged and discarded all that it may, then asserts that nothing is left to do. */
export async function becomesSmallest(world: World, known: KnownMachine): Promise<void> {
  await waitUntil('the layers to be as few as possible', async () => {
    await machineIsIdle(world.admin, known);
    await expectSmallestForest(world, known);
    return true;
  });
}

/** Names of the files from a layer down to its root. */
export async function chainNames(path: string): Promise<readonly string[]> {
  return namesOf(await chainOnDisk(path));
}

async function hashesOf(paths: readonly (readonly [string, string])[]): Promise<Readonly<Record<string, string>>> {
  const entries: [string, string][] = [];
  for (const [target, path] of paths) entries.push([target, await contentHash(path)]);
  return Object.fromEntries(entries);
}
