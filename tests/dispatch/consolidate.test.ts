import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import { DeleteWorld } from './delete-world.js';
import { failure } from './fake-agent.js';

let world: DeleteWorld;

beforeEach(async () => {
  world = await DeleteWorld.start();
});
afterEach(() => world.stop());

it('what a host would not remove is removed later by itself, the memory of a snapshot too', async () => {
  const s1 = await world.take({ kind: 'DISK_AND_MEMORY' });
  const carryOut = world.agent.answerTo('discard-layers', failure('MACHINE_BUSY', 'Open.'));
  await world.delete(s1);
  world.agent.received.length = 0;
  world.agent.behave = carryOut;
  await waitUntil(
    'no file of it is known any more',
    async () => (await world.sql('SELECT file_pool FROM vm_snapshot'))[0]?.['file_pool'] === null,
  );
  const swept = world.agent.received.findLast((command) => command.body.verb === 'discard-layers');
  expect(swept?.body).toMatchObject({ snapshotFiles: [{ fileName: `snapshot-${s1}.mem` }] });
  const [operation] = await world.sql(`SELECT kind, started_by->>'kind' AS by FROM operation ORDER BY id DESC LIMIT 1`);
  expect(operation).toEqual({ kind: 'consolidateVirtualMachine', by: 'SYSTEM' });
  await waitUntil('no garbage is left', async () => (await world.layers()).every((layer) => !layer.includes('DISCARDING')));
});

it('a merge for which there is no room is tried more and more seldom, and at once again when something else was done', async () => {
  const s1 = await world.take();
  await world.take();
  const full = failure('INSUFFICIENT_SPACE', 'The pool is full.');
  const carryOut = world.agent.answerTo('merge-layers', full);
  expect(await world.operationEnd(await world.begin(s1))).toBe('FAILED');
  const tries = () =>
    world.sql(`SELECT id, extract(epoch FROM finished_at)::float8 AS ended, extract(epoch FROM created_at)::float8 AS began, state
      FROM operation WHERE kind = 'consolidateVirtualMachine' ORDER BY created_at`);
  await waitUntil('the third try', async () => (await tries()).filter((row) => row['state'] === 'FAILED').length >= 3);
  const [first, second, third] = await tries();
  expect(Number(second?.['began']) - Number(first?.['ended'])).toBeGreaterThanOrEqual(4);
  expect(Number(third?.['began']) - Number(second?.['ended'])).toBeGreaterThanOrEqual(8);
  world.agent.behave = carryOut;
  await world.take();
  await waitUntil('the merge that was due', async () => (await tries()).at(-1)?.['state'] === 'SUCCEEDED');
});
