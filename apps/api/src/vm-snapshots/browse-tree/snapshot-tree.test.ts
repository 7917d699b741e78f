import { afterAll, beforeAll, expect, it } from 'vitest';
import { toGlobalId } from '../../graphql/global-id.js';
import { seedChain, seedLayer, seedMachine, seedSnapshot } from '../../testing/seed.js';
import { startWorld, type World } from '../../testing/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop());

const TREE = `query ($id: ID!) { virtualMachine(id: $id) { volumes { chainLength allocatedBytes } snapshotTree {
  revision depth cursor head { since allocatedBytes } current { name } retainedLayers { bytes volume { target } readBy { name } }
  space { exclusiveBytes sharedBytes retainedBytes }
  nodes { name isCurrent parent { name } children { totalCount nodes { name } } space { exclusiveBytes sharedBytes retainedBytes } disks { target allocatedBytes } }
} } }`;

async function tree(id: string) {
  const answer = await world.ask(world.acme.viewer, TREE, { id: toGlobalId('VirtualMachine', id) });
  expect(answer.errors).toEqual([]);
  return answer.data['virtualMachine'];
}

it('a machine without snapshots has an empty tree and a head', async () => {
  expect(await tree(world.acme.machine.id)).toMatchObject({
    volumes: [{ chainLength: 1, allocatedBytes: 1000 }],
    snapshotTree: { revision: 0, depth: 0, nodes: [], current: null, retainedLayers: [], head: { since: null, allocatedBytes: 1000 } },
  });
});

it('tells branches, the present state, and the bytes of each, as the layers lie on disk', async () => {
  const { sql } = world.database;
  const machine = await seedMachine(sql, world.place, { projectId: world.acme.plain, name: 'branching' });
  const s1 = await seedSnapshot(sql, machine, { name: 's1', parentId: null, bytes: 20 });
  const s2 = await seedSnapshot(sql, machine, { name: 's2', parentId: s1, bytes: 3 });
  // Reverted to s1: a new head over what s1 pins; the head over s2 went.
  const head = await seedLayer(sql, { volumeId: machine.volumeId, backingLayerId: machine.baseId, bytes: 7 });
  await sql.query("UPDATE layer SET state = 'DISCARDED' WHERE id = (SELECT head_layer_id FROM volume WHERE id = $1)", [machine.volumeId]);
  await sql.query('UPDATE volume SET head_layer_id = $1 WHERE id = $2', [head, machine.volumeId]);
  await sql.query('UPDATE virtual_machine SET current_snapshot_id = $1 WHERE id = $2', [s1, machine.id]);
  expect(await tree(machine.id)).toMatchObject({
    volumes: [{ chainLength: 2, allocatedBytes: 1027 }],
    snapshotTree: {
      revision: 2,
      depth: 2,
      current: { name: 's1' },
      head: { allocatedBytes: 7 },
      space: { exclusiveBytes: 20, sharedBytes: 1000, retainedBytes: 0 },
      nodes: [
        {
          name: 's1',
          isCurrent: true,
          parent: null,
          children: { totalCount: 1, nodes: [{ name: 's2' }] },
          space: { exclusiveBytes: 0, sharedBytes: 1000 },
        },
        {
          name: 's2',
          isCurrent: false,
          parent: { name: 's1' },
          space: { exclusiveBytes: 20, sharedBytes: 1000 },
          disks: [{ target: 'vda', allocatedBytes: 20 }],
        },
      ],
    },
  });
  await sql.query('DELETE FROM snapshot_disk WHERE snapshot_id = $1', [s1]);
  await sql.query('UPDATE vm_snapshot SET parent_id = NULL WHERE id = $1', [s2]);
  await sql.query("UPDATE vm_snapshot SET state = 'REMOVED' WHERE id = $1", [s1]);
  expect(await tree(machine.id)).toMatchObject({
    snapshotTree: {
      depth: 1,
      current: null,
      nodes: [{ name: 's2' }],
      retainedLayers: [{ bytes: 1000, volume: { target: 'vda' }, readBy: [{ name: 's2' }] }],
      space: { exclusiveBytes: 20, sharedBytes: 0, retainedBytes: 1000 },
    },
  });
});

it('pages lists without losing or doubling an element', async () => {
  const { sql } = world.database;
  for (let n = 0; n < 7; n += 1) await seedMachine(sql, world.place, { projectId: world.acme.plain, name: `page-${n}` });
  const query = `query ($after: String) { virtualMachines(first: 3, after: $after, filter: { keyword: "PAGE" }) {
    totalCount nodes { name } edges { cursor } pageInfo { hasNextPage hasPreviousPage endCursor } } }`;
  const names: unknown[] = [];
  for (let after: unknown = null, isMore: unknown = true; isMore; ) {
    const list = (await world.ask(world.acme.viewer, query, { after })).data['virtualMachines'];
    expect(list).toMatchObject({ totalCount: 7, pageInfo: { hasPreviousPage: after !== null } });
    for (const machine of Array.from({ length: 3 }, (_one, at) => list?.['nodes']?.[`${at}`])) if (machine) names.push(machine['name']);
    [after, isMore] = [list?.['pageInfo']?.['endCursor'], list?.['pageInfo']?.['hasNextPage']];
  }
  expect(names).toEqual([0, 1, 2, 3, 4, 5, 6].map((n) => `page-${n}`));
});

it('answers a tree of a thousand snapshots in one go', async () => {
  const { sql } = world.database;
  const machine = await seedMachine(sql, world.place, { projectId: world.acme.plain, name: 'deep' });
  await seedChain(sql, machine, 1_000);
  const query = `query ($id: ID!) { virtualMachine(id: $id) { snapshotTree { depth nodes {
    id name state parent { id } space { sharedBytes } disks { target } actions { enabled } } } } }`;
  const started = performance.now();
  const answer = await world.ask(world.acme.viewer, query, { id: toGlobalId('VirtualMachine', machine.id) });
  expect(answer.data['virtualMachine']).toMatchObject({ snapshotTree: { depth: 1_000 } });
  expect(performance.now() - started).toBeLessThan(20_000);
});
