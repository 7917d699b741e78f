import { afterAll, beforeAll, expect, it } from 'vitest';
import { toGlobalId } from '../graphql/global-id.js';
import { type Machine, seedMachine, seedSnapshot } from '../testing/seed.js';
import { startWorld, type World } from '../testing/world.js';

let world: World;
let machine: Machine;
let snapshotId: string;

beforeAll(async () => {
  world = await startWorld();
  machine = await seedMachine(world.database.sql, world.place, { projectId: world.acme.plain, name: 'web' });
  snapshotId = await seedSnapshot(world.database.sql, machine, { name: 's1', parentId: null });
});
afterAll(() => world.stop());

const ACTIONS = 'query ($id: ID!) { node(id: $id) { ... on VmSnapshot { actions { action enabled code reason } } } }';
const [REVERT, DELETE] = ['REVERT_TO_VM_SNAPSHOT', 'DELETE_VM_SNAPSHOT'];

/** What is said of reverting and deleting: null where it may be asked for, else the code. */
async function said(token: string): Promise<Record<string, unknown>> {
  const answer = await world.ask(token, ACTIONS, { id: toGlobalId('VmSnapshot', snapshotId) });
  expect(answer.errors).toEqual([]);
  const actions: { action: string; enabled: boolean; code: string | null; reason: string | null }[] = JSON.parse(
    JSON.stringify(answer.data['node']?.['actions']),
  );
  for (const { enabled, code, reason } of actions) expect([code === null, (reason ?? '') === '']).toEqual([enabled, enabled]);
  return Object.fromEntries(
    actions.filter(({ action }) => action === REVERT || action === DELETE).map(({ action, code }) => [action, code]),
  );
}

async function changed(change: string, back: string): Promise<Record<string, unknown>> {
  await world.database.sql.query(change);
  const answer = await said(world.acme.owner);
  await world.database.sql.query(back);
  return answer;
}

it('tells each role what it may do', async () => {
  expect(await said(world.acme.viewer)).toEqual({ [REVERT]: 'FORBIDDEN', [DELETE]: 'FORBIDDEN' });
  expect(await said(world.acme.operator)).toEqual({ [REVERT]: null, [DELETE]: 'FORBIDDEN' });
  expect(await said(world.acme.owner)).toEqual({ [REVERT]: null, [DELETE]: null });
});

it('a lock is a reason against deleting alone', async () => {
  const locked = await changed('UPDATE vm_snapshot SET locked = true', 'UPDATE vm_snapshot SET locked = false');
  expect(locked).toEqual({ [REVERT]: null, [DELETE]: 'SNAPSHOT_LOCKED' });
});

it('one that failed can be deleted and not gone back to', async () => {
  const failed = await changed(`UPDATE vm_snapshot SET state = 'ERROR'`, `UPDATE vm_snapshot SET state = 'READY'`);
  expect(failed).toEqual({ [REVERT]: 'SNAPSHOT_STATE', [DELETE]: null });
});

it('a disk that is gone, or is another machine’s now, is a reason against going back, and says so', async () => {
  const other = await seedMachine(world.database.sql, world.place, { projectId: world.acme.plain, name: 'other' });
  const elsewhere = await changed(
    `UPDATE volume SET virtual_machine_id = '${other.id}', target = 'vdb' WHERE id = '${machine.volumeId}'`,
    `UPDATE volume SET virtual_machine_id = '${machine.id}', target = 'vda' WHERE id = '${machine.volumeId}'`,
  );
  expect(elsewhere[REVERT]).toBe('NOT_REVERTIBLE');
  const [head] = (await world.database.sql.query('SELECT head_layer_id FROM volume WHERE id = $1', [machine.volumeId])).rows;
  const gone = await changed(
    `UPDATE volume SET virtual_machine_id = NULL, target = NULL, head_layer_id = NULL WHERE id = '${machine.volumeId}'`,
    `UPDATE volume SET virtual_machine_id = '${machine.id}', target = 'vda', head_layer_id = '${head?.head_layer_id}' WHERE id = '${machine.volumeId}'`,
  );
  expect(gone[REVERT]).toBe('NOT_REVERTIBLE');
});

it('a layer that a merge spoiled is a reason against going back', async () => {
  const spoiled = await changed(`UPDATE layer SET merge_state = 'SPOILED' WHERE is_frozen`, `UPDATE layer SET merge_state = 'NONE'`);
  expect(spoiled[REVERT]).toBe('NOT_REVERTIBLE');
});

it('a host that is away is a reason against both', async () => {
  const away = await changed(`UPDATE host SET state = 'DISCONNECTED'`, `UPDATE host SET state = 'UP'`);
  expect(away).toEqual({ [REVERT]: 'HOST_UNAVAILABLE', [DELETE]: 'HOST_UNAVAILABLE' });
});
