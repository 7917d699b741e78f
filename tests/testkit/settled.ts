import { expect } from 'vitest';
import { expectChains, expectNoOrphans } from './on-disk.js';
import { frozenContent, isFrozen } from './outside-probes.js';
import { machineIsIdle, type SnapshotAnswer } from './snapshot-calls.js';
import type { KnownMachine, World } from './world.js';

/**
 * After any fault: waits until no operation holds the machine, then asserts what must be true whatever happened. Every snapshot is READY
 * or ERROR and nothing between; the chain has one layer more per READY snapshot, no file is left over; the guest runs and writes.
 * Returns the snapshot in question as it ended.
 */
export async function expectSettled(world: World, known: KnownMachine, snapshotId: string): Promise<SnapshotAnswer> {
  const tree = await machineIsIdle(world.admin, known);
  const states = new Set(tree.snapshotTree.nodes.map((node) => node.state));
  expect([...states].filter((state) => state !== 'READY' && state !== 'ERROR')).toEqual([]);
  const ended = tree.snapshotTree.nodes.find((node) => node.id === snapshotId);
  if (ended === undefined) throw new Error('the snapshot is not in the tree any more');
  const ready = tree.snapshotTree.nodes.filter((node) => node.state === 'READY').length;
  if ((await known.machine.state()) === 'running') {
    await known.machine.writes();
    expect(await isFrozen(known.machine)).toBe(false);
  }
  await expectChains(world, known, { vda: ready + 1, vdb: ready + 1 });
  await expectNoOrphans(world);
  const latest = tree.snapshotTree.nodes.filter((node) => node.state === 'READY').at(-1);
  if (latest !== undefined) expect(tree.snapshotTree.current?.id).toBe(latest.id);
  if (ended.state === 'ERROR') expect(ended.error?.message ?? '').not.toBe('');
  return ended;
}

/** Asserts that a snapshot holds what it says: FILESYSTEM means clean, and both disks are of one moment. */
export async function expectHonestContent(world: World, snapshot: SnapshotAnswer): Promise<void> {
  const contents = await Promise.all(snapshot.disks.map((disk) => frozenContent(world.layerPath(disk))));
  if (snapshot.consistency === 'FILESYSTEM') for (const content of contents) expect(content.isClean, content.report).toBe(true);
  const [a, b] = contents;
  if (a !== undefined && b !== undefined) expect([0, 1]).toContain(a.lastRecord - b.lastRecord);
}
