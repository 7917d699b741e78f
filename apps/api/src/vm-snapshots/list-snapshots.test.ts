/** VM-19: the list of VM snapshots by machine, project, state, keyword, creator and dates, in pages. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toGlobalId } from '../graphql/global-id.js';
import { type Machine, seedMachine, seedSnapshot } from '../testing/seed.js';
import { startWorld, type World } from '../testing/world.js';

let world: World;
let web: Machine;
let mail: Machine;
let foreign: Machine;

beforeAll(async () => {
  world = await startWorld();
  const { sql } = world.database;
  web = await seedMachine(sql, world.place, { projectId: world.acme.plain, name: 'web' });
  mail = await seedMachine(sql, world.place, { projectId: world.acme.plain, name: 'mail' });
  foreign = await seedMachine(sql, world.place, { projectId: world.globex.plain, name: 'foreign' });
  const made: [Machine, string, string, string][] = [
    [web, 'before-upgrade', 'READY', '2026-01-01T00:00:00Z'],
    [web, '100%_done', 'READY', '2026-02-01T00:00:00Z'],
    [web, 'broken', 'ERROR', '2026-03-01T00:00:00Z'],
    [web, 'gone', 'REMOVED', '2026-03-02T00:00:00Z'],
    [mail, 'nightly-1', 'READY', '2026-04-01T00:00:00Z'],
    [mail, 'nightly-2', 'EXPUNGING', '2026-04-02T00:00:00Z'],
    [foreign, 'nightly-3', 'READY', '2026-04-03T00:00:00Z'],
  ];
  for (const [machine, name, state, at] of made) {
    const id = await seedSnapshot(sql, machine, { name, parentId: null });
    await sql.query('UPDATE vm_snapshot SET state = $2, created_at = $3, description = $4 WHERE id = $1', [
      id,
      state,
      at,
      `${name} of all`,
    ]);
  }
  await sql.query(`UPDATE vm_snapshot SET created_by = '{"kind":"POLICY","name":"every night","userId":null}' WHERE name LIKE 'nightly%'`);
});
afterAll(() => world.stop());

const LIST = `query ($filter: VmSnapshotFilter, $first: Int, $after: String) { vmSnapshots(filter: $filter, first: $first, after: $after) {
  totalCount nodes { name } pageInfo { hasNextPage endCursor } } }`;

async function list(token: string, filter: object): Promise<unknown[]> {
  const answer = await world.ask(token, LIST, { filter, first: 100 });
  expect(answer.errors).toEqual([]);
  return names(answer.data['vmSnapshots']);
}

function names(connection: unknown): unknown[] {
  const text = JSON.stringify(connection);
  return [...text.matchAll(/"name":"([^"]*)"/g)].map((match) => match[1]);
}

const machineId = (machine: Machine) => toGlobalId('VirtualMachine', machine.id);

describe('VM-19', () => {
  it.each<[string, () => object, string[]]>([
    ['everything but what is gone', () => ({}), ['nightly-2', 'nightly-1', 'broken', '100%_done', 'before-upgrade']],
    ['a machine', () => ({ virtualMachineId: machineId(mail) }), ['nightly-2', 'nightly-1']],
    ['a machine of another project', () => ({ virtualMachineId: machineId(foreign) }), []],
    ['a project', () => ({ projectId: world.acme.id, states: ['READY'] }), ['nightly-1', '100%_done', 'before-upgrade']],
    ['another project', () => ({ projectId: world.globex.id }), []],
    ['states', () => ({ states: ['ERROR', 'EXPUNGING'] }), ['nightly-2', 'broken']],
    ['what is gone, where that is asked', () => ({ states: ['REMOVED'] }), ['gone']],
    ['a keyword in a name, whatever its case', () => ({ keyword: 'UPGRADE' }), ['before-upgrade']],
    ['a keyword in a description', () => ({ keyword: 'broken of' }), ['broken']],
    ['a keyword that is a sign of patterns', () => ({ keyword: '%' }), ['100%_done']],
    ['a keyword that is another', () => ({ keyword: '_' }), ['100%_done']],
    ['a keyword that nothing has', () => ({ keyword: 'zebra' }), []],
    ['who made it', () => ({ createdBy: 'every night' }), ['nightly-2', 'nightly-1']],
    ['from a moment on', () => ({ createdAfter: '2026-03-01T00:00:00Z' }), ['nightly-2', 'nightly-1', 'broken']],
    ['before a moment', () => ({ createdBefore: '2026-02-01T00:00:00Z' }), ['before-upgrade']],
    [
      'between two, of one machine and state',
      () => ({
        createdAfter: '2026-01-15T00:00:00Z',
        createdBefore: '2026-03-15T00:00:00Z',
        virtualMachineId: machineId(web),
        states: ['READY'],
      }),
      ['100%_done'],
    ],
  ])('lists by %s', async (_what, filter, wanted) => {
    expect(await list(world.acme.viewer, filter())).toEqual(wanted);
  });

  it('shows an administrator those of all projects', async () => {
    expect(await list(world.adminToken, { keyword: 'nightly' })).toEqual(['nightly-3', 'nightly-2', 'nightly-1']);
  });

  it('pages without losing or doubling one, and counts all of them', async () => {
    const seen: unknown[] = [];
    for (let after: unknown = null, isMore: unknown = true; isMore; ) {
      const page = (await world.ask(world.acme.viewer, LIST, { filter: {}, first: 2, after })).data['vmSnapshots'];
      expect(page).toMatchObject({ totalCount: 5 });
      seen.push(...names(page?.['nodes']));
      [after, isMore] = [page?.['pageInfo']?.['endCursor'], page?.['pageInfo']?.['hasNextPage']];
    }
    expect(seen).toEqual(['nightly-2', 'nightly-1', 'broken', '100%_done', 'before-upgrade']);
  });

  it('refuses what no list is: a keyword without end', async () => {
    const answer = await world.ask(world.acme.viewer, LIST, { filter: { keyword: 'x'.repeat(129) } });
    expect(answer.errors.map((error) => error.extensions?.code)).toHaveLength(1);
  });
});
