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
  const carryOut = world.agent.behave;
  world.agent.behave = (command) => (command.body.verb === 'discard-layers' ? failure('MACHINE_BUSY', 'Open.') : carryOut(command));
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
