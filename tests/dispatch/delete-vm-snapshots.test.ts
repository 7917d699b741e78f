import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import { DeleteWorld } from './delete-world.js';
import { failure } from './fake-agent.js';

let world: DeleteWorld;

beforeEach(async () => {
  world = await DeleteWorld.start();
});
afterEach(() => world.stop());

describe('forward', () => {
  it('VM-10: an inner snapshot of a running chain: committed, children go to its parent, its file goes', async () => {
    const [s1, s2, s3] = [await world.take(), await world.take(), await world.take()];
    world.agent.received.length = 0;
    const operationId = await world.begin(s2);
    expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
    expect(world.verbs()).toEqual(['merge-layers', 'merge-layers', 'discard-layers']);
    const [merge] = world.agent.received;
    expect(merge?.body).toMatchObject({ how: 'LIVE', target: 'vda', runLength: 2, into: 1 });
    expect(await world.layers()).toEqual(['0>- PRESENT', '1>0 PRESENT', '2>1 DISCARDED', '3>1 PRESENT head']);
    expect(world.onHost()).toEqual([3, 1, 0]);
    expect([await world.stateOf(s1), await world.stateOf(s2), await world.stateOf(s3)]).toEqual(['READY', 'REMOVED', 'READY']);
    expect(await world.parentOf(s3)).toBe(s1);
    expect((await world.steps(operationId)).every((step) => step.endsWith('SUCCEEDED'))).toBe(true);
    expect(await world.machineRow()).toMatchObject({ state: 'RUNNING', current_snapshot_id: s3, claims: 0 });
    await world.expectNoDrift();
    const told = await world.sql(
      `SELECT tree_changes->0->>'kind' AS kind FROM transition WHERE operation_id = $1 AND tree_changes <> '[]' ORDER BY pos`,
      [operationId],
    );
    expect(told.map((row) => row['kind'])).toEqual(['UPDATED', 'REPARENTED', 'REMOVED']);
  });

  it('VM-11: the current one of a stopped machine: its parent becomes current, no head is lost', async () => {
    const [s1, s2] = [await world.take(), await world.take()];
    await world.stopMachine();
    await world.delete(s2);
    expect(await world.machineRow()).toMatchObject({ state: 'STOPPED', current_snapshot_id: s1 });
    const [last] = await world.sql(
      `SELECT tree_changes FROM transition WHERE tree_changes::text LIKE '%HEAD_MOVED%' ORDER BY pos DESC LIMIT 1`,
    );
    expect(last?.['tree_changes']).toMatchObject([{ kind: 'HEAD_MOVED', snapshotId: s1, currentId: s1 }]);
    expect((await world.layers()).filter((layer) => layer.includes('DISCARDED'))).toHaveLength(1);
    await world.expectNoDrift();
  });

  it('VM-12: the root, with everything that grew from it, leaves one layer per disk', async () => {
    const s1 = await world.take();
    await world.take();
    await world.take();
    await world.stopMachine();
    const asked = world.request({ snapshotIds: [s1], withDescendants: true });
    const outcome = await world.replica.core.deleteVmSnapshots.delete(world.owner(), asked);
    expect(outcome).toMatchObject({ ok: true, value: { snapshotIds: expect.arrayContaining([s1]) } });
    if (outcome.ok) expect(await world.operationEnd(outcome.value.operationId)).toBe('SUCCEEDED');
    expect(world.onHost()).toHaveLength(1);
    expect((await world.layers()).filter((layer) => layer.includes('PRESENT'))).toHaveLength(1);
    expect(await world.machineRow()).toMatchObject({ current_snapshot_id: null, claims: 0 });
    await world.expectNoDrift();
  });

  it('a snapshot that holds nothing needs no host', async () => {
    world.agent.behave = () => failure('IO_ERROR', 'The disk is on fire.');
    const outcome = await world.replica.core.createVmSnapshot.create(world.installation.operator(), {
      ...world.request({}),
      name: null,
      description: null,
      kind: 'DISK',
      quiesce: false,
      volumeIds: null,
    });
    if (!outcome.ok) throw new Error('refused');
    expect(await world.operationEnd(outcome.value.operationId)).toBe('FAILED');
    world.agent.received.length = 0;
    await world.delete(outcome.value.snapshotId);
    expect(world.verbs()).toEqual([]);
    expect(await world.stateOf(outcome.value.snapshotId)).toBe('REMOVED');
  });

  it('the same key and input give the same operation and snapshots again', async () => {
    const s1 = await world.take();
    const asked = world.request({ snapshotIds: [s1], idempotencyKey: 'k' });
    const first = await world.replica.core.deleteVmSnapshots.delete(world.owner(), asked);
    expect(await world.replica.core.deleteVmSnapshots.delete(world.owner(), asked)).toEqual(first);
    if (first.ok) expect(await world.operationEnd(first.value.operationId)).toBe('SUCCEEDED');
    expect(await world.replica.core.deleteVmSnapshots.delete(world.owner(), asked)).toEqual(first);
  });
});

describe('refusals', () => {
  it('OWNER only, never a locked one, and nothing without saying what', async () => {
    const s1 = await world.take();
    const { deleteVmSnapshots } = world.replica.core;
    const asked = world.request({ snapshotIds: [s1] });
    expect(await deleteVmSnapshots.delete(world.installation.operator(), asked)).toMatchObject({ refusals: [{ code: 'FORBIDDEN' }] });
    await world.sql('UPDATE vm_snapshot SET locked = true');
    const locked = await deleteVmSnapshots.delete(world.owner(), asked);
    expect(locked).toMatchObject({ refusals: [{ code: 'SNAPSHOT_LOCKED', message: expect.stringContaining('snapshot-1') }] });
    expect(await deleteVmSnapshots.delete(world.owner(), world.request({}))).toMatchObject({ refusals: [{ code: 'INVALID_INPUT' }] });
    const changed = world.request({ snapshotIds: [s1], planHash: 'other' });
    await world.sql('UPDATE vm_snapshot SET locked = false');
    expect(await deleteVmSnapshots.delete(world.owner(), changed)).toMatchObject({ refusals: [{ code: 'PLAN_CHANGED' }] });
    expect(await world.stateOf(s1)).toBe('READY');
  });

  it('a machine that is held is busy, and says with what', async () => {
    const [s1] = [await world.take(), await world.take()];
    const sent = await world.hold('merge-layers');
    const operationId = await world.begin(s1);
    await sent();
    const other = await world.replica.core.deleteVmSnapshots.delete(world.owner(), world.request({ snapshotIds: [s1] }));
    expect(other).toMatchObject({ refusals: [{ code: 'MACHINE_BUSY', operationId }] });
  });
});

describe('when a merge fails', () => {
  const failed = { code: 'IO_ERROR' as const, message: 'The disk is on fire.', retryable: true, hint: null, detail: null };

  it('half way: the layer is spoiled, the snapshot in ERROR holds nothing, and a retry ends it', async () => {
    const [, s2] = [await world.take(), await world.take(), await world.take()];
    const carryOut = world.agent.answerTo('merge-layers', { kind: 'failed', failure: failed, left: 'SPOILED' });
    const operationId = await world.begin(s2);
    expect(await world.operationEnd(operationId)).toBe('FAILED');
    expect(await world.operation(operationId)).toMatchObject({ error: { code: 'IO_ERROR', retryable: true } });
    expect(await world.stateOf(s2)).toBe('ERROR');
    expect(await world.layers()).toContain('1>0 PRESENT SPOILED');
    expect(await world.machineRow()).toMatchObject({ claims: 0 });
    const outcome = await world.replica.core.operations.retry(world.owner(), operationId);
    expect(outcome.ok).toBe(true);
    world.agent.behave = carryOut;
    await waitUntil('a second failure or the end', async () => (await world.operation(operationId))?.['state'] !== 'RUNNING');
    if ((await world.operation(operationId))?.['state'] === 'FAILED') await world.replica.core.operations.retry(world.owner(), operationId);
    expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
    expect(await world.layers()).toEqual(['0>- PRESENT', '1>0 PRESENT', '2>1 DISCARDED', '3>1 PRESENT head']);
    expect(await world.stateOf(s2)).toBe('REMOVED');
    await world.expectNoDrift();
  });

  it('after the first re-pointing: nobody but its retry may touch the machine, and it goes on with the same command', async () => {
    const [, s2] = [await world.take(), await world.take(), await world.take()];
    const carryOut = world.agent.behave;
    world.agent.received.length = 0;
    world.agent.behave = (command) => {
      if (command.body.verb !== 'merge-layers') return carryOut(command);
      carryOut(command);
      return { kind: 'failed', failure: failed, left: 'REPOINTED' };
    };
    const operationId = await world.begin(s2);
    expect(await world.operationEnd(operationId)).toBe('FAILED');
    expect(await world.layers()).toContain('1>0 PRESENT REPOINTED');
    await world.agent.sendInventory();
    await waitUntil(
      'the half of the merge is seen',
      async () => (await world.sql('SELECT 1 FROM virtual_machine WHERE drift IS NOT NULL')).length > 0,
    );
    const other = await world.replica.core.deleteVmSnapshots.delete(world.owner(), world.request({ snapshotIds: [s2] }));
    expect(other).toMatchObject({ refusals: [{ code: 'MACHINE_BUSY', operationId }] });
    world.agent.behave = carryOut;
    expect(await world.replica.core.operations.retry(world.owner(), operationId)).toMatchObject({ ok: true });
    expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
    const [first, second] = world.agent.received.filter((command) => command.body.verb === 'merge-layers');
    expect(second?.body).toEqual(first?.body);
    expect(await world.layers()).toEqual(['0>- PRESENT', '1>0 PRESENT', '2>1 DISCARDED', '3>1 PRESENT head']);
    await world.expectNoDrift();
  });

  it('the second disk: the first keeps what was done, and a retry does the second only', async () => {
    const [, s2] = [await world.take(), await world.take(), await world.take()];
    const carryOut = world.agent.behave;
    let merges = 0;
    world.agent.behave = (command) => {
      if (command.body.verb === 'merge-layers') merges += 1;
      return merges === 2 ? failure('INSUFFICIENT_SPACE', 'The pool is full.') : carryOut(command);
    };
    const operationId = await world.begin(s2);
    expect(await world.operationEnd(operationId)).toBe('FAILED');
    world.agent.behave = carryOut;
    world.agent.received.length = 0;
    expect(await world.replica.core.operations.retry(world.owner(), operationId)).toMatchObject({ ok: true });
    expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
    expect(world.verbs()).toEqual(['merge-layers', 'discard-layers']);
    const steps = await world.steps(operationId);
    expect(steps.filter((step) => step === 'COMMIT_LAYER SUCCEEDED')).toHaveLength(2);
    expect(steps.every((step) => step.endsWith('SUCCEEDED'))).toBe(true);
    await world.expectNoDrift();
  });

  it('a discard that is refused leaves known garbage and a done delete', async () => {
    const [, s2] = [await world.take(), await world.take(), await world.take()];
    world.agent.answerTo('discard-layers', failure('MACHINE_BUSY', 'Open.'));
    expect(await world.operationEnd(await world.begin(s2))).toBe('SUCCEEDED');
    expect(await world.layers()).toContain('2>1 DISCARDING');
    expect(await world.stateOf(s2)).toBe('REMOVED');
    const [told] = await world.sql(`SELECT error FROM operation WHERE kind = 'deleteVmSnapshots'`);
    expect(told?.['error']).toMatchObject({
      code: 'MACHINE_BUSY',
      retryable: false,
      message: expect.stringContaining('could not be removed'),
    });
  });
});

describe('cancelled', () => {
  it('before any host has it: the snapshots are READY again, nothing has changed', async () => {
    const [, s2] = [await world.take(), await world.take(), await world.take()];
    world.agent.disconnect();
    await waitUntil('the host is gone', async () => (await world.sql(`SELECT state FROM host`))[0]?.['state'] !== 'UP');
    await world.sql(`UPDATE host SET state = 'UP'`);
    const operationId = await world.begin(s2);
    const effects = await world.replica.core.operations.cancelEffects(world.owner(), [operationId]);
    const commands = await world.sql('SELECT verb, state, outcome FROM command WHERE operation_id = $1', [operationId]);
    expect(effects.get(operationId), JSON.stringify(commands)).toContain('Nothing has begun');
    expect(await world.replica.core.operations.cancel(world.owner(), operationId)).toMatchObject({ ok: true });
    expect(await world.operationEnd(operationId)).toBe('CANCELLED');
    expect(await world.stateOf(s2)).toBe('READY');
    expect(await world.machineRow()).toMatchObject({ claims: 0 });
  });

  it('in a merge: the host is told, the target is spoiled, the retry ends it', async () => {
    const [, s2] = [await world.take(), await world.take(), await world.take()];
    const sent = await world.hold('merge-layers');
    const operationId = await world.begin(s2);
    const command = await sent();
    const operator = world.installation.operator();
    expect(await world.replica.core.operations.cancel(operator, operationId)).toMatchObject({ refusals: [{ code: 'FORBIDDEN' }] });
    expect((await world.replica.core.operations.cancelEffects(world.owner(), [operationId])).get(operationId)).toContain(
      'stops where it is',
    );
    await world.replica.core.operations.cancel(world.owner(), operationId);
    const whileCancelling = await world.replica.core.operations.cancelEffects(world.owner(), [operationId]);
    expect(whileCancelling.get(operationId)).toContain('do not come back');
    await waitUntil('the host is told', () => world.agent.cancelRequests.includes(command.id));
    world.agent.finish(command, { kind: 'cancelled', left: 'SPOILED' });
    expect(await world.operationEnd(operationId)).toBe('CANCELLED');
    expect(await world.stateOf(s2)).toBe('ERROR');
    expect(await world.layers()).toContain('1>0 PRESENT SPOILED');
    expect(await world.replica.core.operations.retry(world.owner(), operationId)).toMatchObject({ ok: true });
    expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
    expect(await world.stateOf(s2)).toBe('REMOVED');
    await world.expectNoDrift();
  });

  it('while files are removed: it is too late, and it says so', async () => {
    const [, s2] = [await world.take(), await world.take(), await world.take()];
    const sent = await world.hold('discard-layers');
    const operationId = await world.begin(s2);
    const command = await sent();
    expect((await world.replica.core.operations.cancelEffects(world.owner(), [operationId])).size).toBe(0);
    expect(await world.replica.core.operations.cancel(world.owner(), operationId)).toMatchObject({
      refusals: [{ code: 'NOT_CANCELABLE' }],
    });
    world.agent.finish(command, { kind: 'done', result: world.agent.carryOut(command) });
    expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
  });

  it('a snapshot that was deleted again, as a new operation, goes on where the first stopped', async () => {
    const [, s2] = [await world.take(), await world.take(), await world.take()];
    const sent = await world.hold('merge-layers');
    const operationId = await world.begin(s2);
    const command = await sent();
    await world.replica.core.operations.cancel(world.owner(), operationId);
    world.agent.finish(command, { kind: 'cancelled', left: 'SPOILED' });
    expect(await world.operationEnd(operationId)).toBe('CANCELLED');
    await world.delete(s2);
    expect(await world.layers()).toEqual(['0>- PRESENT', '1>0 PRESENT', '2>1 DISCARDED', '3>1 PRESENT head']);
    expect(await world.replica.core.operations.retry(world.owner(), operationId)).toMatchObject({ ok: true });
    expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
  });
});

describe('when the API dies', () => {
  it.each(['merge-layers', 'discard-layers'])(
    'while %s is at work, another replica ends it; what is said twice counts once',
    async (verb) => {
      const [, s2] = [await world.take(), await world.take(), await world.take()];
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
      expect(await world.layers()).toEqual(['0>- PRESENT', '1>0 PRESENT', '2>1 DISCARDED', '3>1 PRESENT head']);
      await world.expectNoDrift();
    },
  );
});
