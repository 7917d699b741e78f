/** Creating a VM snapshot, seen from outside: by subscribers on both replicas, by qemu-img, by e2fsck, by the guest's own writer. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Transport } from '../testkit/event-stream.js';
import { machineBecomes } from '../testkit/machine-calls.js';
import { expectChains, expectNoOrphans } from '../testkit/on-disk.js';
import { frozenContent, isFrozen, sha256Of } from '../testkit/outside-probes.js';
import { askForSnapshot, cursorOf, type SnapshotAnswer, snapshotIn, takeSnapshot, treeOf } from '../testkit/snapshot-calls.js';
import { TransitionSubscriber } from '../testkit/transition-subscriber.js';
import { type KnownMachine, World } from '../testkit/world.js';

const LIFE = ['ALLOCATED', 'CREATING', 'READY'];

let world: World;

beforeAll(async () => {
  world = await World.start({ replicas: 2 });
});
afterAll(async () => {
  await world?.stop();
});

/** Frozen layers by target. Only ADMIN sees paths. */
async function frozenLayers(snapshot: SnapshotAnswer): Promise<Record<string, string>> {
  const seen = await snapshotIn(world.admin, snapshot.id, 'READY');
  return Object.fromEntries(seen.disks.map((disk): [string, string] => [disk.target, world.layerPath(disk)]));
}

function watch(transport: Transport, replica: number, after: string): TransitionSubscriber {
  const token = world.acme.viewerToken;
  return TransitionSubscriber.open({
    transport,
    urls: [world.replica(replica).url],
    token,
    after,
    filter: { subjectTypes: ['VM_SNAPSHOT'] },
  });
}

async function expectRecordsInStep(layers: Record<string, string>): Promise<void> {
  const a = await frozenContent(layers['vda'] ?? '');
  const b = await frozenContent(layers['vdb'] ?? '');
  expect(a.lastRecord).toBeGreaterThan(0);
  expect([0, 1]).toContain(a.lastRecord - b.lastRecord);
}

describe('a quiesced snapshot of a running guest', () => {
  let known: KnownMachine;
  let snapshot: SnapshotAnswer;
  let before: string;

  beforeAll(async () => {
    known = await world.addMachine({ name: 'quiesced' });
  });

  it('VM-1: goes ALLOCATED, CREATING, READY before the eyes of subscribers by WebSocket and SSE on both replicas, once each', async () => {
    before = await cursorOf(world.as(world.acme.viewerToken));
    const watchers = [watch('ws', 0, before), watch('sse', 1, before), watch('ws', 1, before), watch('sse', 0, before)];
    snapshot = await takeSnapshot(world.as(world.acme.operatorToken), known, { name: 'first', quiesce: true });
    for (const watcher of watchers) {
      await watcher.until('READY', (seen) => seen.some((one) => one.to === 'READY'));
      expect(watcher.statesOf(snapshot.id)).toEqual(LIFE);
      expect(watcher.seen.map((one) => one.from)).toEqual([null, 'ALLOCATED', 'CREATING']);
      expect(watcher.reconnects).toBe(0);
      watcher.close();
    }
    expect(snapshot).toMatchObject({ name: 'first', kind: 'DISK', consistency: 'FILESYSTEM', isCurrent: true, parent: null, error: null });
  });

  it.each([
    ['ws', 0],
    ['ws', 1],
    ['sse', 0],
    ['sse', 1],
  ] as const)('is told again, the same, to whoever asks after an old cursor by %s on replica %d', async (transport, replica) => {
    expect(snapshot, 'the snapshot before').toBeDefined();
    const watcher = watch(transport, replica, before);
    await watcher.until('READY', (seen) => seen.some((one) => one.to === 'READY'));
    expect(watcher.statesOf(snapshot.id)).toEqual(LIFE);
    expect(new Set(watcher.seen.map((one) => one.cursor)).size).toBe(3);
    watcher.close();
  });

  it('left a chain with whole backing names and explicit formats, and nothing else in the pool', async () => {
    await expectChains(world, known, { vda: 2, vdb: 2 });
    await expectNoOrphans(world);
  });

  it('GA-1: froze the file systems: those of the frozen layers are clean, with no journal to replay', async () => {
    for (const layer of Object.values(await frozenLayers(snapshot))) {
      const content = await frozenContent(layer);
      expect(content.report, content.report).not.toContain('needs_recovery');
      expect(content.isClean, content.report).toBe(true);
    }
    expect(await isFrozen(known.machine)).toBe(false);
  });

  it('GA-8: is one moment of both disks', async () => {
    await expectRecordsInStep(await frozenLayers(snapshot));
  });

  it('VM-5: never changes a byte of its frozen layers through later snapshots, which form its branch', async () => {
    const layers = Object.values(await frozenLayers(snapshot));
    const hashes = await Promise.all(layers.map(sha256Of));
    const tenant = world.as(world.acme.operatorToken, 1);
    const second = await takeSnapshot(tenant, known, { name: 'second' });
    const third = await takeSnapshot(tenant, known, { name: 'third', quiesce: true });

    const tree = await treeOf(tenant, known);
    expect(tree.snapshotTree.nodes.map((node) => [node.name, node.parent?.id ?? null, node.isCurrent])).toEqual([
      ['first', null, false],
      ['second', snapshot.id, false],
      ['third', second.id, true],
    ]);
    expect(tree.snapshotTree.current?.id).toBe(third.id);
    expect(await Promise.all(layers.map(sha256Of))).toEqual(hashes);
    await expectChains(world, known, { vda: 4, vdb: 4 });
  });
});

describe('other ways to create', () => {
  it('VM-2: without quiesce it is CRASH consistent and still one moment', async () => {
    const known = await world.addMachine({ name: 'plain', host: 'h2' });
    const snapshot = await takeSnapshot(world.as(world.acme.operatorToken), known, {});
    expect(snapshot.consistency).toBe('CRASH');
    expect(snapshot.name).not.toBe('');
    await expectRecordsInStep(await frozenLayers(snapshot));
    await expectChains(world, known, { vda: 2, vdb: 2 });
  });

  it('VM-3, GA-4: of a stopped machine it is OFFLINE, quiesce or not, and the machine starts on the new heads', async () => {
    const known = await world.addMachine({ name: 'stopped', power: 'off' });
    const tenant = world.as(world.acme.operatorToken);
    const first = await takeSnapshot(tenant, known, { name: 'off' });
    expect(first.consistency).toBe('OFFLINE');
    await expectChains(world, known, { vda: 2, vdb: 2 });
    const frozen = Object.values(await frozenLayers(first));
    const hashes = await Promise.all(frozen.map(sha256Of));

    await known.machine.start();
    await machineBecomes(world.admin, known, (answer) => answer.state === 'RUNNING' && answer.guestAgent === 'CONNECTED');
    const second = await takeSnapshot(tenant, known, { name: 'on', quiesce: true });
    expect(second.consistency).toBe('FILESYSTEM');
    expect(await Promise.all(frozen.map(sha256Of))).toEqual(hashes);
    await expectChains(world, known, { vda: 3, vdb: 3 });
  });

  it('VM-4: with the memory of a stopped machine it is refused, and nothing is written', async () => {
    const known = await world.addMachine({ name: 'no-memory', power: 'off' });
    const answer = await askForSnapshot(world.as(world.acme.operatorToken), known, { kind: 'DISK_AND_MEMORY' });
    expect(answer.snapshot).toBeNull();
    expect(answer.errors.map((error) => error.code)).toHaveLength(1);
    expect((await treeOf(world.admin, known)).snapshotTree.nodes).toEqual([]);
  });

  it('GA-2: of a subset of the volumes it covers these only, and says which', async () => {
    const known = await world.addMachine({ name: 'subset' });
    const tenant = world.as(world.acme.operatorToken);
    const volume = known.volumes['vdb'] ?? '';
    const snapshot = await takeSnapshot(tenant, known, { quiesce: true, volumeIds: [volume] });
    expect(snapshot.disks.map((disk) => [disk.target, disk.volume?.id])).toEqual([['vdb', volume]]);
    await expectChains(world, known, { vda: 1, vdb: 2 });
    const content = await frozenContent((await frozenLayers(snapshot))['vdb'] ?? '');
    expect(content.isClean, content.report).toBe(true);

    await takeSnapshot(tenant, known, { name: 'both' });
    await expectChains(world, known, { vda: 2, vdb: 3 });
  });
});
