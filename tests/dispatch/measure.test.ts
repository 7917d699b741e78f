import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import { DeleteWorld } from './delete-world.js';
import { failure } from './fake-agent.js';
import { valueOf } from './installation.js';

const MIB = 1 << 20;
let world: DeleteWorld;

beforeEach(async () => {
  world = await DeleteWorld.start();
});
afterEach(() => world.stop());

async function plan(...snapshotIds: string[]) {
  return valueOf(await world.replica.core.deleteVmSnapshots.plan(world.owner(), world.request({ snapshotIds })));
}

function numberOf(fileName: string): number {
  return Number(/\.(\d+)\.qcow2$/.exec(fileName)?.[1]);
}

/** Bytes of data of each layer by number, on both disks alike. */
function holds(bytes: readonly number[]): void {
  world.agent.measure = (fileName) => bytes[numberOf(fileName)] ?? 0;
}

it('a plan moves what the layers hold, as their host sees it, and waits no longer than it must', async () => {
  holds([8 * MIB, 4 * MIB, 3 * MIB, 0]);
  const [, s2] = [await world.take(), await world.take(), await world.take()];
  const { bytesToMove, steps } = await plan(s2);
  expect(bytesToMove).toBe(2 * 3 * MIB);
  expect(steps.filter((step) => step.kind === 'COMMIT_LAYER')).toHaveLength(2);
  const [row] = await world.sql(`SELECT count(*)::int AS n FROM layer WHERE measured_at IS NOT NULL`);
  expect(row?.['n']).toBe(8);
});

it('a revert says how much of the present state is lost, as its host sees it now', async () => {
  holds([8 * MIB, 3 * MIB]);
  const s1 = await world.take();
  const asked = { snapshotId: s1, snapshotFirst: false, start: false, planHash: null, idempotencyKey: null };
  const { revertToVmSnapshot } = world.replica.core;
  const lost = async () => valueOf(await revertToVmSnapshot.plan(world.owner(), asked)).bytesFreed;
  expect(await lost()).toBe(2 * 3 * MIB);
  holds([8 * MIB, 5 * MIB]);
  expect(await lost()).toBe(2 * 5 * MIB);
});

it('frozen layers are looked at without being asked for; what was frozen meanwhile is looked at again', async () => {
  holds([8 * MIB, MIB]);
  const measured = async () => {
    const [row] = await world.sql(`SELECT count(*)::int AS n FROM layer WHERE is_frozen AND data_map IS NOT NULL`);
    return row?.['n'];
  };
  await world.take();
  await waitUntil('both bases are measured', async () => (await measured()) === 2);
});

it('a host that does not answer: the plan comes all the same, with the most that it can be', async () => {
  world.agent.measure = () => null;
  const [, s2] = [await world.take(), await world.take(), await world.take()];
  const { bytesToMove, warnings } = await plan(s2);
  expect(bytesToMove).toBeGreaterThan(0);
  expect(warnings.join(' ')).toContain('not measured');
});

it('the T-trick: a small head over a big layer is frozen under a new one and committed, without a snapshot', async () => {
  holds([8 * MIB, 512 * MIB, MIB, 0]);
  const [s1, s2] = [await world.take(), await world.take()];
  await plan(s2);
  world.agent.received.length = 0;
  await world.delete(s2);
  const onOneDisk = ['create-layers', 'freeze-layers', 'merge-layers'];
  expect(world.verbs()).toEqual([...onOneDisk, ...onOneDisk, 'discard-layers']);
  expect(await world.layers()).toEqual(['0>- PRESENT', '1>0 PRESENT', '2>1 DISCARDED', '3>1 PRESENT head']);
  expect(world.onHost()).toEqual([3, 1, 0]);
  expect(await world.stateOf(s1)).toBe('READY');
  await world.expectNoDrift();
  await world.stopMachine();
  await waitUntil('the layer at rest is merged once the machine is stopped', () => world.onHost().length === 2);
  const [last] = await world.sql(`SELECT kind, state FROM operation ORDER BY id DESC LIMIT 1`);
  expect(last?.['kind']).toBe('consolidateVirtualMachine');
});

it.each(['create-layers', 'freeze-layers'] as const)(
  'the T-trick fails at %s: no head is lost, and a retry makes another',
  async (verb) => {
    holds([8 * MIB, 512 * MIB, MIB, 0, 0, 0]);
    const [, s2] = [await world.take(), await world.take()];
    await plan(s2);
    const carryOut = world.agent.answerTo(verb, failure('IO_ERROR', 'The disk is on fire.'));
    const operationId = await world.begin(s2);
    expect(await world.operationEnd(operationId)).toBe('FAILED');
    expect(await world.stateOf(s2)).toBe('ERROR');
    expect(await world.layers()).toContain('2>1 PRESENT head');
    world.agent.behave = carryOut;
    await waitUntil('it can go on', async () => (await world.replica.core.operations.retry(world.owner(), operationId)).ok);
    expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
    expect(await world.stateOf(s2)).toBe('REMOVED');
    expect(world.onHost()).toHaveLength(3);
    await world.expectNoDrift();
  },
);

it('the T-trick is cancelled once its head is made, and before it is switched to: the empty file goes', async () => {
  holds([8 * MIB, 512 * MIB, MIB, 0]);
  const [, s2] = [await world.take(), await world.take()];
  await plan(s2);
  const sent = await world.hold('create-layers');
  const operationId = await world.begin(s2);
  const command = await sent();
  expect((await world.replica.core.operations.cancel(world.owner(), operationId)).ok).toBe(true);
  world.agent.received.length = 0;
  world.agent.finish(command, { kind: 'done', result: world.agent.carryOut(command) });
  expect(await world.operationEnd(operationId)).toBe('CANCELLED');
  await waitUntil('the file of the head is removed by name', () =>
    world.agent.received.some(
      ({ body }) => body.verb === 'discard-layers' && body.layers.some(({ fileName }) => fileName.endsWith('.3.qcow2')),
    ),
  );
  await waitUntil('and recorded to be gone', async () => (await world.layers()).includes('3>2 DISCARDED'));
});

it.each(['create-layers', 'freeze-layers', 'merge-layers'])(
  'the API dies in the T-trick while %s is at work: another replica ends it',
  async (verb) => {
    holds([8 * MIB, 512 * MIB, MIB, 0]);
    const [, s2] = [await world.take(), await world.take()];
    await plan(s2);
    const sent = await world.hold(verb);
    const operationId = await world.begin(s2);
    const command = await sent();
    const outcome = { kind: 'done' as const, result: world.agent.carryOut(command) };
    await world.replica.stop();
    world.replica = await world.installation.replica();
    world.agent.behave = (again) => (again.id === command.id ? outcome : { kind: 'done', result: world.agent.carryOut(again) });
    await world.agent.connect(world.replica.url);
    expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
    world.agent.finish(command, outcome);
    expect(world.onHost()).toEqual([3, 1, 0]);
    await world.expectNoDrift();
  },
);
