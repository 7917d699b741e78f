/**
 * What deletes of random trees cost: bytes are counted from outside and held against the cheapest plan that is allowed, which is worked out here from the files
 * alone. COPPICE_TEST_SEED and COPPICE_BYTE_TREES give other trees, and more.
 */
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Seeded } from '../simulator/seeded.js';
import { writePatterns } from '../testkit/content.js';
import { planMeasuredDelete } from '../testkit/measured-plan.js';
import { bytesTold, costsByTarget, ownClusters, ownContent, writtenBytes } from '../testkit/moved-bytes.js';
import { expectNoOrphans } from '../testkit/on-disk.js';
import { headOf, layerFilesOf } from '../testkit/outside-probes.js';
import { takeSnapshot, treeOf } from '../testkit/snapshot-calls.js';
import { deleteSnapshots, revertTo } from '../testkit/tree-calls.js';
import { becomesSmallest, expectSame, forestOnDisk, treeContent } from '../testkit/tree-content.js';
import { type KnownMachine, World } from '../testkit/world.js';

const CLUSTER = 64 * 1024;
/** The first disk's clusters that are written: beyond them the file system of the empty disk has little. */
const CLUSTERS = 512;
const TOLERANCE = 1.1;
const TREE = { timeout: 400_000 };
const firstSeed = Number(process.env['COPPICE_TEST_SEED'] ?? 100);
const seeds = Array.from({ length: Number(process.env['COPPICE_BYTE_TREES'] ?? 3) }, (_, index) => firstSeed + index);

let world: World;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
});
afterAll(async () => {
  await world?.stop();
});

function owner() {
  return world.as(world.acme.ownerToken);
}

it.each(seeds)('RV-6: random tree %i: at most 1.1 times the best allowed plan, and the plan said so', TREE, async (seed) => {
  const chance = new Seeded(seed);
  const known = await world.addMachine({ name: `tree-${seed}`, power: 'off' });
  const left = new Set(await plant(known, chance));
  while (left.size > 0) {
    const doomed = [...left].filter((_, index) => index === 0 || chance.once(3)).slice(0, 3);
    for (const id of doomed) left.delete(id);
    await becomesSmallest(world, known);
    const before = await treeContent(world, known);
    const files = await contentsOf(known);
    const best = await bestAllowed(known, new Set(doomed));
    const plan = await planMeasuredDelete(world, known, { snapshotIds: doomed });
    const { id } = await deleteSnapshots(owner(), known, { snapshotIds: doomed });
    expectSame(before, await treeContent(world, known), doomed);
    const told = await bytesTold(world, id);
    const after = await contentsOf(known);
    const written = [...after].reduce((sum, [name, content]) => sum + writtenBytes(files.get(name) ?? new Map(), content), 0);
    const said = `seed ${seed}, deleting ${doomed.length}: best ${best}, told ${told}, written ${written}, planned ${plan.bytesToMove}`;
    expect(told, said).toBeLessThanOrEqual(TOLERANCE * best);
    expect(written, said).toBeLessThanOrEqual(TOLERANCE * best);
    expect(Math.abs(plan.bytesToMove - told), said).toBeLessThanOrEqual((TOLERANCE - 1) * told);
  }
  await expectNoOrphans(world);
});

/** Four to six snapshots of the first disk, of random sizes, with some reverts between them. Returns their ids in a random order. */
async function plant(known: KnownMachine, chance: Seeded): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let number = 1; number <= 4 + chance.below(3); number += 1) {
    await write(known, chance, number);
    const { id } = await takeSnapshot(owner(), known, { name: `s${number}`, volumeIds: [known.volumes['vda'] ?? ''] });
    ids.push(id);
    if (chance.once(2)) await revertTo(owner(), known, { snapshot: { id: chance.oneOf(ids) ?? id } });
  }
  await write(known, chance, 40);
  return ids
    .map((id) => ({ id, at: chance.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ id }) => id);
}

/** A few ranges of whole clusters, each with bytes that nothing else has. */
async function write(known: KnownMachine, chance: Seeded, number: number): Promise<void> {
  const count = 1 + chance.below(3);
  const patterns = Array.from({ length: count }, (_, index) => {
    const length = 1 + chance.below(chance.once(2) ? 8 : 160);
    return { offset: chance.below(CLUSTERS - length) * CLUSTER, length: length * CLUSTER, byte: number * 5 + index };
  });
  await writePatterns(await headOf(known.machine, 'vda'), patterns);
}

/**
 * The fewest bytes with which the forest can become as small as it may without these snapshots: layers that nobody reads go, and every run of layers that
 * only one other reads becomes one file, whichever of them is the cheapest.
 */
async function bestAllowed(known: KnownMachine, doomed: ReadonlySet<string>): Promise<number> {
  const below = new Map(await forestOnDisk(world, volumeOf(known)));
  const { snapshotTree } = await treeOf(world.admin, known);
  const kept = snapshotTree.nodes.filter((node) => !doomed.has(node.id)).flatMap((node) => node.disks);
  const named = new Set([basename(await headOf(known.machine, 'vda')), ...kept.map((disk) => basename(disk.layerPath ?? ''))]);
  const readersOf = (name: string) => [...below].filter(([, under]) => under === name).length;
  for (let isDone = false; !isDone; ) {
    const unread = [...below.keys()].filter((name) => !named.has(name) && readersOf(name) === 0);
    for (const name of unread) below.delete(name);
    isDone = unread.length === 0;
  }
  const isInner = (name: string) => !named.has(name) && readersOf(name) === 1;
  let total = 0;
  for (const top of [...below.keys()].filter((name) => !isInner(name))) {
    const run = [top];
    for (let under = below.get(top) ?? null; under !== null && isInner(under); under = below.get(under) ?? null) run.unshift(under);
    const clusters = [];
    for (const name of run) clusters.push(await ownClusters(join(world.poolDir, name)));
    total += Math.min(...costsByTarget(clusters));
  }
  return total;
}

async function contentsOf(known: KnownMachine): Promise<ReadonlyMap<string, ReadonlyMap<number, string>>> {
  const contents = new Map<string, ReadonlyMap<number, string>>();
  for (const name of await layerFilesOf(world.poolDir, volumeOf(known))) contents.set(name, await ownContent(join(world.poolDir, name)));
  return contents;
}

function volumeOf(known: KnownMachine): string {
  return known.machine.guest.disks[0]?.volumeUuid ?? '';
}
