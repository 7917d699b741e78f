import { afterEach, beforeEach, expect, it } from 'vitest';
import { DeleteWorld } from './delete-world.js';
import { failure } from './fake-agent.js';
import { requestOf, valueOf } from './installation.js';

let world: DeleteWorld;

beforeEach(async () => {
  world = await DeleteWorld.start();
});
afterEach(() => world.stop());

it.each(['create-layers', 'freeze-layers'] as const)(
  'a create that failed at %s is taken anew, under its name, as a child of what is current then',
  async (verb) => {
    const carryOut = world.agent.answerTo(verb, failure('IO_ERROR', 'The disk is on fire.'));
    const { core } = world.replica;
    const operator = world.installation.operator();
    const failed = valueOf(await core.createVmSnapshot.create(operator, requestOf(world.machine.id, { name: 'nightly' })));
    expect(await world.operationEnd(failed.operationId)).toBe('FAILED');
    expect(await world.stateOf(failed.snapshotId)).toBe('ERROR');
    world.agent.behave = carryOut;
    const between = await world.take();
    expect(await core.operations.retry(operator, failed.operationId)).toMatchObject({ ok: true });
    expect(await world.operationEnd(failed.operationId)).toBe('SUCCEEDED');
    expect(await world.stateOf(failed.snapshotId)).toBe('READY');
    expect(await world.parentOf(failed.snapshotId)).toBe(between);
    expect(await world.machineRow()).toMatchObject({ state: 'RUNNING', current_snapshot_id: failed.snapshotId, claims: 0 });
    expect((await world.steps(failed.operationId)).every((step) => step.endsWith('SUCCEEDED'))).toBe(true);
    const moves = await world.sql(`SELECT from_state || '→' || to_state AS move FROM transition WHERE subject_id = $1 ORDER BY pos`, [
      failed.snapshotId,
    ]);
    expect(moves.map((row) => row['move']).slice(-3)).toEqual(['CREATING→ERROR', 'ERROR→CREATING', 'CREATING→READY']);
    await world.expectNoDrift();
  },
);

it('one whose snapshot was deleted meanwhile is not retried', async () => {
  const carryOut = world.agent.behave;
  world.agent.behave = () => failure('IO_ERROR', 'The disk is on fire.');
  const operator = world.installation.operator();
  const failed = valueOf(await world.replica.core.createVmSnapshot.create(operator, requestOf(world.machine.id)));
  expect(await world.operationEnd(failed.operationId)).toBe('FAILED');
  world.agent.behave = carryOut;
  await world.delete(failed.snapshotId);
  expect(await world.replica.core.operations.retry(operator, failed.operationId)).toMatchObject({ refusals: [{ code: 'SNAPSHOT_STATE' }] });
});
