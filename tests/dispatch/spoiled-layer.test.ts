import { afterEach, beforeEach, expect, it } from 'vitest';
import { DeleteWorld } from './delete-world.js';

let world: DeleteWorld;

beforeEach(async () => {
  world = await DeleteWorld.start();
});
afterEach(() => world.stop());

const failed = { code: 'IO_ERROR' as const, message: 'The disk is on fire.', retryable: true, hint: null, detail: null };

it('a spoiled layer keeps nothing else from the machine: a snapshot is taken, and the retry still ends the merge', async () => {
  const [, s2] = [await world.take(), await world.take(), await world.take()];
  const carryOut = world.agent.answerTo('merge-layers', { kind: 'failed', failure: failed, left: 'SPOILED' });
  const operationId = await world.begin(s2);
  expect(await world.operationEnd(operationId)).toBe('FAILED');
  world.agent.behave = carryOut;
  await world.take();
  expect(await world.layers()).toEqual(['0>- PRESENT', '1>0 PRESENT SPOILED', '2>1 PRESENT', '3>2 PRESENT', '4>3 PRESENT head']);
  expect(await world.replica.core.operations.retry(world.owner(), operationId)).toMatchObject({ ok: true });
  expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
  expect(await world.layers()).toEqual(['0>- PRESENT', '1>0 PRESENT', '2>1 DISCARDED', '3>1 PRESENT', '4>3 PRESENT head']);
  await world.expectNoDrift();
});
