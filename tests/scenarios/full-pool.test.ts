/** FL-ENOSPC: the pool is full while a snapshot is made, or layers are merged: the guest runs on, the error says so, and a retry works once there is room. */
import { guestExec } from '@coppice/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writePatterns } from '../testkit/content.js';
import { machineBecomes } from '../testkit/machine-calls.js';
import { expectNoOrphans, expectOneOperationAtATime } from '../testkit/on-disk.js';
import { askFor, operationEnded, operationOf, succeeded } from '../testkit/operation-calls.js';
import { disksOf, headOf } from '../testkit/outside-probes.js';
import { leaveRoom } from '../testkit/small-pool.js';
import { askForSnapshot, findSnapshot, machineIsIdle, type SnapshotAnswer, snapshotIn, takeSnapshot } from '../testkit/snapshot-calls.js';
import { askToDeleteWhenFree } from '../testkit/tree-calls.js';
import { becomesSmallest, expectSame, treeContent } from '../testkit/tree-content.js';
import { Hopeless, waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';

const MIB = 1024 * 1024;
const POOL_BYTES = 400 * MIB;
/** Enough for what a guest writes meanwhile, and for no merge. */
const LITTLE = 7 * MIB;

let world: World;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'], poolBytes: POOL_BYTES });
});
afterAll(async () => {
  await world?.stop();
});

function owner() {
  return world.as(world.acme.ownerToken);
}

async function take(known: KnownMachine): Promise<SnapshotAnswer> {
  return takeSnapshot(owner(), known, { volumeIds: [known.volumes['vda'] ?? ''] });
}

/** Fills the pool after the API has said yes and before the agent looks; the operation fails, and says why. */
async function failsForSpace(leftBytes: number, operationOfAsked: () => Promise<string>): Promise<string> {
  const { agent } = world.host('h1');
  agent.pause();
  let operationId: string;
  try {
    operationId = await operationOfAsked();
    await leaveRoom(world.poolDir, leftBytes);
  } finally {
    agent.resume();
  }
  const ended = await operationEnded(owner(), operationId);
  expect(ended).toMatchObject({ state: 'FAILED', error: { code: 'INSUFFICIENT_SPACE', retryable: true } });
  expect(ended.error?.hint).toMatch(/room/i);
  return operationId;
}

/** Makes room, and retries until that is accepted: the host tells of the room some moments later. */
async function retried(operationId: string): Promise<void> {
  await leaveRoom(world.poolDir, null);
  const answer = await waitUntil('the retry to be accepted', async () => {
    const asked = await askFor(owner(), 'retryOperation', { operationId });
    if (asked.operation !== null) return asked;
    const codes = asked.errors.map(({ code }) => code);
    if (codes.some((code) => code !== 'INSUFFICIENT_SPACE' && code !== 'MACHINE_BUSY'))
      throw new Hopeless(`refused: ${JSON.stringify(asked.errors)}`);
    return undefined;
  });
  await succeeded(owner(), answer);
}

describe('of a machine that is off', () => {
  it.each([
    { kind: 'commit', lower: 24, upper: 12 },
    { kind: 'pull', lower: 12, upper: 24 },
  ])('FL-ENOSPC-$kind: everything reads as before, and the retry goes on', async ({ kind, lower, upper }) => {
    const known = await world.addMachine({ name: `off-${kind}`, power: 'off' });
    const put = async (offset: number, mib: number, byte: number) =>
      writePatterns(await headOf(known.machine, 'vda'), [{ offset: offset * MIB, length: mib * MIB, byte }]);
    await put(1, lower, 1);
    const doomed = await take(known);
    await put(30, upper, 2);
    const kept = await take(known);
    const before = await treeContent(world, known);
    const operationId = await failsForSpace(LITTLE, async () =>
      operationOf(await askToDeleteWhenFree(owner(), known, { snapshotIds: [doomed.id] })),
    );
    expectSame(before, await treeContent(world, known), [doomed.id]);
    expect((await findSnapshot(owner(), doomed.id))?.state).toBe('ERROR');
    await retried(operationId);
    expectSame(before, await treeContent(world, known), [doomed.id]);
    expect((await findSnapshot(owner(), kept.id))?.parent).toBeNull();
    await becomesSmallest(world, known);
    await expectNoOrphans(world);
  });
});

describe('under a guest', () => {
  let known: KnownMachine;
  beforeAll(async () => {
    await leaveRoom(world.poolDir, null);
    known = await world.addMachine({ name: 'on' });
  });

  it('FL-ENOSPC-create: nothing is changed, the guest runs on; with room again it works', async () => {
    const disks = await disksOf(known.machine, 'live');
    // Not one byte is left: the guest shall not be the one who finds out.
    await known.machine.virsh('suspend', known.machine.name);
    await machineBecomes(owner(), known, ({ state }) => state === 'PAUSED');
    let snapshotId = '';
    const operationId = await failsForSpace(0, async () => {
      const { snapshot, operation } = await askForSnapshot(owner(), known, { name: 'too-much' });
      snapshotId = snapshot?.id ?? '';
      return operation?.id ?? '';
    });
    expect(await disksOf(known.machine, 'live')).toEqual(disks);
    expect((await findSnapshot(owner(), snapshotId))?.error).toMatchObject({ code: 'INSUFFICIENT_SPACE' });
    await leaveRoom(world.poolDir, null);
    await known.machine.virsh('resume', known.machine.name);
    await known.machine.writes();
    await expectNoOrphans(world);
    // Else the retry is planned for a paused machine, and refused on the host.
    await machineBecomes(owner(), known, ({ state }) => state === 'RUNNING');
    await retried(operationId);
    await snapshotIn(owner(), snapshotId, 'READY');
    await expectNoOrphans(world);
  });

  it.each([
    { kind: 'commit', lower: 20, upper: 10 },
    { kind: 'pull', lower: 10, upper: 20 },
  ] as const)('FL-ENOSPC-$kind: the guest runs on, everything reads as before, and the retry goes on', async ({ kind, lower, upper }) => {
    const put = async (mib: number) => {
      const script = `rm -f /a/f; dd if=/dev/urandom of=/a/f bs=65536 count=${mib * 16} 2>/dev/null && sync`;
      expect((await guestExec(known.machine, ['sh', '-c', script], 120_000)).exitCode).toBe(0);
    };
    await take(known);
    await put(lower);
    const doomed = await take(known);
    await put(upper);
    if (kind === 'commit') await take(known);
    await machineIsIdle(owner(), known);
    const before = await treeContent(world, known);
    const operationId = await failsForSpace(LITTLE, async () =>
      operationOf(await askToDeleteWhenFree(owner(), known, { snapshotIds: [doomed.id] })),
    );
    await known.machine.writes();
    expectSame(before, await treeContent(world, known), [doomed.id]);
    await retried(operationId);
    await known.machine.writes();
    expectSame(before, await treeContent(world, known), [doomed.id]);
    expect(await disksOf(known.machine, 'live')).toEqual(await disksOf(known.machine, 'persistent'));
    await expectNoOrphans(world);
  });
});

it('and after all of it nothing is left running or claimed', async () => {
  await waitUntil('the system to have nothing to do', async () => {
    const rows = await world.database.sql(`SELECT 1 FROM operation WHERE state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')`);
    return rows.length === 0;
  });
  await expectOneOperationAtATime(world);
});
