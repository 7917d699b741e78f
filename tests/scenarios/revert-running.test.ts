/** Reverting machines that run, with and without memory: the guest itself says to which moment it was brought back. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { waitForGuestAgent } from '@coppice/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isSent } from '../testkit/crash-agent.js';
import { machineBecomes } from '../testkit/machine-calls.js';
import { mark, marksOf } from '../testkit/marks.js';
import { expectNoOrphans, expectOneOperationAtATime } from '../testkit/on-disk.js';
import { operationEnded, operationOf } from '../testkit/operation-calls.js';
import { disksOf, sha256Of } from '../testkit/outside-probes.js';
import { plainId } from '../testkit/plain-id.js';
import { askForSnapshot, machineIsIdle, type SnapshotAnswer, snapshotIn, takeSnapshot, treeOf } from '../testkit/snapshot-calls.js';
import { askToRevert, revertTo } from '../testkit/tree-calls.js';
import { waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';

let world: World;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
});
afterAll(async () => {
  await world?.stop();
});

function tenant() {
  return world.as(world.acme.operatorToken);
}

async function markAndTake(known: KnownMachine, name: string, kind: 'DISK' | 'DISK_AND_MEMORY'): Promise<SnapshotAnswer> {
  await mark(known.machine, name);
  return takeSnapshot(tenant(), known, { name, kind });
}

function memoryPath(snapshot: { readonly id: string }): string {
  return join(world.poolDir, `snapshot-${plainId(snapshot.id)}.mem`);
}

/** Hashes of everything that a snapshot keeps on storage. */
async function hashesOf(snapshot: SnapshotAnswer): Promise<string[]> {
  const { disks, kind } = await snapshotIn(world.admin, snapshot.id, 'READY');
  const files = [...disks.map((disk) => world.layerPath(disk)), ...(kind === 'DISK_AND_MEMORY' ? [memoryPath(snapshot)] : [])];
  return Promise.all(files.map(sha256Of));
}

async function stateOf(known: KnownMachine): Promise<string> {
  return (await treeOf(tenant(), known)).state;
}

/** Waits for the guest's agent after a boot. */
async function booted(known: KnownMachine): Promise<void> {
  await waitForGuestAgent(known.machine.libvirtUri, known.machine.name);
  await known.machine.writes();
}

describe('a tree of mixed snapshots', () => {
  let known: KnownMachine;
  let boot: string;
  let withMemory: SnapshotAnswer;
  let disksOnly: SnapshotAnswer;
  let later: SnapshotAnswer;
  let before: string[][];

  beforeAll(async () => {
    known = await world.addMachine({ name: 'mixed' });
    await mark(known.machine, 'nothing');
    boot = (await marksOf(known.machine)).boot;
  });

  it('VM-1: with memory while running: READY, the guest goes on meanwhile, the image is a secret and is counted', async () => {
    withMemory = await markAndTake(known, 'm1', 'DISK_AND_MEMORY');
    expect(withMemory).toMatchObject({ kind: 'DISK_AND_MEMORY', consistency: 'MEMORY', isCurrent: true });
    expect((await marksOf(known.machine)).boot).toBe(boot);
    await known.machine.writes();
    const { mode, blocks } = await stat(memoryPath(withMemory));
    expect(mode & 0o777).toBe(0o600);
    const document = 'query Space($id: ID!) { node(id: $id) { ... on VmSnapshot { memoryBytes space { exclusiveBytes } } } }';
    const { node } = await tenant().ask<{ node: { memoryBytes: number; space: { exclusiveBytes: number } } }>(document, {
      id: withMemory.id,
    });
    expect(node.memoryBytes).toBe(blocks * 512);
    expect(node.space.exclusiveBytes).toBeGreaterThanOrEqual(node.memoryBytes);
  });

  it('with memory and quiesce it is refused, and so is a subset with memory', async () => {
    const asked = await askForSnapshot(tenant(), known, { kind: 'DISK_AND_MEMORY', quiesce: true });
    expect(asked.errors.map((error) => error.code)).toEqual(['INVALID_INPUT']);
    const subset = await askForSnapshot(tenant(), known, { kind: 'DISK_AND_MEMORY', volumeIds: [known.volumes['vda'] ?? ''] });
    expect(subset.errors.map((error) => error.code)).toEqual(['INVALID_INPUT']);
  });

  it('VM-2, VM-5: mixed with snapshots of disks, the tree says so', async () => {
    disksOnly = await markAndTake(known, 'd2', 'DISK');
    later = await markAndTake(known, 'm3', 'DISK_AND_MEMORY');
    expect(later.parent?.id).toBe(disksOnly.id);
    expect(disksOnly.parent?.id).toBe(withMemory.id);
    before = await Promise.all([withMemory, disksOnly, later].map(hashesOf));
  });

  it('VM-6: running, to one with memory: RUNNING, and the guest goes on where it was', async () => {
    await mark(known.machine, 'lost');
    await revertTo(tenant(), known, { snapshot: withMemory });
    expect(await stateOf(known)).toBe('RUNNING');
    expect(await marksOf(known.machine)).toEqual({ boot, memory: 'm1', vda: 'm1', vdb: 'm1' });
    await known.machine.writes();
    expect(await disksOf(known.machine, 'live')).toEqual(await disksOf(known.machine, 'persistent'));
    await expectNoOrphans(world);
  });

  it('VM-5: A → B, C: what is taken now grows from the one that was gone back to', async () => {
    const branch = await markAndTake(known, 'c4', 'DISK');
    expect(branch.parent?.id).toBe(withMemory.id);
    const { snapshotTree } = await treeOf(tenant(), known);
    expect(snapshotTree.current?.id).toBe(branch.id);
    expect(snapshotTree.nodes.filter((node) => node.parent?.id === withMemory.id).map((node) => node.name)).toEqual(['d2', 'c4']);
  });

  it('VM-7: running, to one of disks: STOPPED; started, it boots from those', async () => {
    await revertTo(tenant(), known, { snapshot: disksOnly });
    expect(await stateOf(known)).toBe('STOPPED');
    expect(await known.machine.state()).toBe('shut off');
    await known.machine.start();
    const marks = await marksOf(known.machine);
    expect(marks).toMatchObject({ memory: '', vda: 'd2', vdb: 'd2' });
    expect(marks.boot).not.toBe(boot);
  });

  it('VM-8: stopped, to one with memory: RUNNING, and the guest goes on where it was', async () => {
    await known.machine.cutPower();
    await machineBecomes(world.admin, known, (answer) => answer.state === 'STOPPED');
    await revertTo(tenant(), known, { snapshot: later });
    expect(await stateOf(known)).toBe('RUNNING');
    expect(await marksOf(known.machine)).toEqual({ boot, memory: 'm3', vda: 'm3', vdb: 'm3' });
  });

  it('VM-9: stopped, to one of disks, with start: it runs, freshly booted, on those', async () => {
    await known.machine.cutPower();
    await machineBecomes(world.admin, known, (answer) => answer.state === 'STOPPED');
    await revertTo(tenant(), known, { snapshot: disksOnly, start: true });
    expect(await stateOf(known)).toBe('RUNNING');
    await booted(known);
    expect(await marksOf(known.machine)).toMatchObject({ memory: '', vda: 'd2', vdb: 'd2' });
  });

  it('RV-12: memory is restored twice, and a third time after other reverts; what is frozen never changes', async () => {
    for (let time = 0; time < 2; time += 1) {
      await revertTo(tenant(), known, { snapshot: withMemory });
      expect(await marksOf(known.machine)).toEqual({ boot, memory: 'm1', vda: 'm1', vdb: 'm1' });
      await mark(known.machine, `lost-${time}`);
    }
    await revertTo(tenant(), known, { snapshot: disksOnly });
    await revertTo(tenant(), known, { snapshot: withMemory });
    expect(await marksOf(known.machine)).toEqual({ boot, memory: 'm1', vda: 'm1', vdb: 'm1' });
    await known.machine.writes();
    expect(await Promise.all([withMemory, disksOnly, later].map(hashesOf))).toEqual(before);
    await expectNoOrphans(world);
  });
});

describe('RV-2: the state that is left, with snapshotFirst, of a running machine', () => {
  it('is a node that can be gone back to, as a power cut would leave it', async () => {
    const known = await world.addMachine({ name: 'safety' });
    const first = await markAndTake(known, 'one', 'DISK_AND_MEMORY');
    await mark(known.machine, 'two');
    const safety = await revertTo(tenant(), known, { snapshot: first, snapshotFirst: true });
    expect((await marksOf(known.machine)).vda).toBe('one');
    if (safety === null) throw new Error('no safety snapshot was made');
    expect(await snapshotIn(tenant(), safety.id, 'READY')).toMatchObject({ consistency: 'CRASH', parent: { id: first.id } });
    await revertTo(tenant(), known, { snapshot: safety, start: true });
    await booted(known);
    expect(await marksOf(known.machine)).toMatchObject({ vda: 'two', vdb: 'two' });
  });
});

describe('RV-11: a managed save image is there', () => {
  it.each(['DISK', 'DISK_AND_MEMORY'] as const)(
    'and the machine goes back to a snapshot of kind %s: the snapshot’s disks run',
    async (kind) => {
      const known = await world.addMachine({ name: `saved-${kind === 'DISK' ? 'd' : 'm'}` });
      const snapshot = await markAndTake(known, 'then', kind);
      await mark(known.machine, 'now');
      await known.machine.virsh('managedsave', known.machine.name);
      await machineBecomes(world.admin, known, (answer) => answer.state === 'STOPPED');
      await revertTo(tenant(), known, { snapshot, start: true });
      expect(await known.machine.virsh('dominfo', known.machine.name)).toMatch(/Managed save:\s+no/);
      await booted(known);
      expect(await marksOf(known.machine)).toMatchObject({ memory: kind === 'DISK' ? '' : 'then', vda: 'then', vdb: 'then' });
    },
  );
});

describe('FL-revert, VM-20: dies in the middle of a revert', () => {
  it.each(['agent', 'API'] as const)('the %s: after its start the revert ends, and the guest runs on one set of disks', async (which) => {
    const known = await world.addMachine({ name: `killed-${which.toLowerCase()}` });
    const snapshot = await markAndTake(known, 'then', 'DISK_AND_MEMORY');
    await mark(known.machine, 'now');
    const frozen = await hashesOf(snapshot);
    const answer = await askToRevert(tenant(), snapshot.id, { snapshotFirst: true });
    await waitUntil('the switch to be sent', () => isSent(world, operationOf(answer), 'switch-heads'));
    const { agent } = world.host('h1');
    if (which === 'agent') {
      await agent.end('SIGKILL');
      agent.start();
    } else {
      await world.replica().process.end('SIGKILL');
      await world.replica().start();
    }
    await world.waitForHost('h1');
    const ended = await operationEnded(tenant(), operationOf(answer));
    expect(ended).toMatchObject({ state: 'SUCCEEDED', error: null });
    await machineIsIdle(tenant(), known);
    expect(await marksOf(known.machine)).toMatchObject({ memory: 'then', vda: 'then', vdb: 'then' });
    expect(await hashesOf(snapshot)).toEqual(frozen);
    await world.waitForNoDrift();
    await expectNoOrphans(world);
  });
});

it('and after all of it nothing is left running or claimed', async () => {
  await expectOneOperationAtATime(world);
});
