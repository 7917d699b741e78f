import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import { DeleteWorld } from './delete-world.js';
import { failure } from './fake-agent.js';
import { valueOf } from './installation.js';

let world: DeleteWorld;

beforeEach(async () => {
  world = await DeleteWorld.start();
});
afterEach(() => world.stop());

async function vda(): Promise<string> {
  const [row] = await world.sql(`SELECT id FROM volume WHERE target = 'vda'`);
  return String(row?.['id']);
}

async function flatten(changed: { keepTemplate?: boolean; idempotencyKey?: string } = {}) {
  const request = { volumeId: await vda(), keepTemplate: true, idempotencyKey: null, ...changed };
  return world.replica.core.flattenVolume.flatten(world.owner(), request);
}

it('copies all below into the head; snapshots keep their layers', async () => {
  const [s1, s2] = [await world.take(), await world.take()];
  world.agent.received.length = 0;
  const first = valueOf(await flatten({ idempotencyKey: 'k' }));
  expect(valueOf(await flatten({ idempotencyKey: 'k' }))).toEqual(first);
  expect(await world.operationEnd(first.operationId)).toBe('SUCCEEDED');
  expect(world.verbs()).toEqual(['flatten-layer']);
  expect(world.agent.received[0]?.body).toMatchObject({ target: 'vda', downTo: 3 });
  expect(await world.layers()).toEqual(['0>- PRESENT', '1>0 PRESENT', '2>- PRESENT head']);
  expect(world.onHost()).toEqual([2]);
  expect([await world.stateOf(s1), await world.stateOf(s2)]).toEqual(['READY', 'READY']);
  await world.expectNoDrift();
  expect(await flatten()).toMatchObject({ refusals: [{ code: 'INVALID_INPUT' }] });
  await world.delete(s2, s1);
  expect((await world.layers()).filter((layer) => layer.includes('PRESENT'))).toEqual(['2>- PRESENT head']);
});

it('stops above a base that others share, unless all is asked for', async () => {
  await world.take();
  await world.sql(`UPDATE layer SET is_template = true WHERE file_name LIKE '%.0.qcow2'`);
  expect(await flatten()).toMatchObject({ refusals: [{ code: 'INVALID_INPUT' }] });
  const { operationId } = valueOf(await flatten({ keepTemplate: false }));
  expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
  expect(await world.layers()).toEqual(['0>- PRESENT', '1>- PRESENT head']);
});

it('OWNER only; a failure changes nothing, and a retry ends it', async () => {
  await world.take();
  const asked = { volumeId: await vda(), keepTemplate: true, idempotencyKey: null };
  const operator = world.installation.operator();
  expect(await world.replica.core.flattenVolume.flatten(operator, asked)).toMatchObject({ refusals: [{ code: 'FORBIDDEN' }] });
  const carryOut = world.agent.behave;
  world.agent.behave = () => failure('INSUFFICIENT_SPACE', 'The pool is full.');
  const { operationId } = valueOf(await flatten());
  expect(await world.operationEnd(operationId)).toBe('FAILED');
  expect(await world.layers()).toEqual(['0>- PRESENT', '1>0 PRESENT head']);
  world.agent.behave = carryOut;
  expect(await world.replica.core.operations.retry(world.owner(), operationId)).toMatchObject({ ok: true });
  expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
  expect(await world.layers()).toEqual(['0>- PRESENT', '1>- PRESENT head']);
});

it('cancelled while it copies: the host is told, nothing has changed', async () => {
  await world.take();
  const sent = await world.hold('flatten-layer');
  const { operationId } = valueOf(await flatten());
  const command = await sent();
  expect(await world.replica.core.operations.cancel(world.owner(), operationId)).toMatchObject({ ok: true });
  await waitUntil('the host is told', () => world.agent.cancelRequests.includes(command.id));
  world.agent.finish(command, { kind: 'cancelled', left: 'NOTHING' });
  expect(await world.operationEnd(operationId)).toBe('CANCELLED');
  expect(await world.layers()).toEqual(['0>- PRESENT', '1>0 PRESENT head']);
});
