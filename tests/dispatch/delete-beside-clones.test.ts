import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import { DeleteWorld } from './delete-world.js';
import { requestOf, valueOf } from './installation.js';

let world: DeleteWorld;
let clone: { id: string; uuid: string };

/** A machine whose vda is written over the base of web-1's, as a linked clone's is. */
beforeEach(async () => {
  world = await DeleteWorld.start();
  clone = await world.installation.machine(world.replica, world.agent, 'clone-1');
  await world.sql(
    `UPDATE layer SET backing_layer_id = (SELECT v.head_layer_id FROM volume v WHERE v.virtual_machine_id = $2 AND v.target = 'vda')
     WHERE id = (SELECT v.head_layer_id FROM volume v WHERE v.virtual_machine_id = $1 AND v.target = 'vda')`,
    [clone.id, world.machine.id],
  );
  const [own] = world.agent.machine(clone.uuid).disks;
  const [base] = world.agent.machine(world.machine.uuid).disks;
  if (!own || !base) throw new Error('a pretended machine has no disk');
  own.chain = [...own.chain, ...base.chain];
  await world.agent.sendInventory();
  await waitUntil(
    'both are as recorded',
    async () => (await world.sql('SELECT 1 FROM virtual_machine WHERE drift IS NOT NULL')).length === 0,
  );
});
afterEach(() => world.stop());

it('while layers of the common forest are merged, the clone is busy; what it reads stays', async () => {
  const [s1, s2] = [await world.take(), await world.take(), await world.take()];
  const { core } = world.replica;
  const sent = await world.hold('merge-layers');
  const operationId = await world.begin(s2);
  const command = await sent();
  const operator = world.installation.operator();
  expect(await core.createVmSnapshot.create(operator, requestOf(clone.id))).toMatchObject({
    ok: false,
    refusals: [{ code: 'MACHINE_BUSY' }],
  });
  world.agent.finish(command, { kind: 'done', result: world.agent.carryOut(command) });
  expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
  const taken = valueOf(await core.createVmSnapshot.create(operator, requestOf(clone.id)));
  expect(await world.operationEnd(taken.operationId)).toBe('SUCCEEDED');
  await world.delete(s1);
  const [base] = await world.sql(
    `SELECT l.state, (SELECT count(*)::int FROM layer r WHERE r.backing_layer_id = l.id AND r.state = 'PRESENT') AS readers
     FROM layer l JOIN volume v ON v.id = l.volume_id WHERE v.virtual_machine_id = $1 AND v.target = 'vda' AND l.file_name LIKE '%.0.qcow2'`,
    [world.machine.id],
  );
  expect(base).toEqual({ state: 'PRESENT', readers: 2 });
  expect(world.agent.machine(clone.uuid).disks[0]?.chain).toHaveLength(3);
});
