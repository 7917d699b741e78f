import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toGlobalId } from '../graphql/global-id.js';
import { seedMachine, seedOperation, seedSnapshot } from '../testing/seed.js';
import { CREATE_TOKEN, startWorld, type World, text } from '../testing/world.js';

let world: World;
/** Things of globex, by the type of their global id. */
let theirs: Record<string, string>;
let unassigned: string;

beforeAll(async () => {
  world = await startWorld();
  const { database, globex, place, adminToken } = world;
  const snapshot = await seedSnapshot(database.sql, globex.machine, { name: 'secret', parentId: null });
  const operation = await seedOperation(database.sql, globex.machine);
  const machine = await seedMachine(database.sql, place, { projectId: null, name: 'found' });
  unassigned = toGlobalId('VirtualMachine', machine.id);
  const made = await world.ask(adminToken, CREATE_TOKEN, { projectId: globex.id, name: 'one more', role: 'VIEWER' });
  const { rows } = await database.sql.query<{ zone_id: string }>('SELECT zone_id FROM cluster WHERE id = $1', [place.clusterId]);
  theirs = {
    Project: globex.id,
    VirtualMachine: globex.machineId,
    Volume: toGlobalId('Volume', globex.machine.volumeId),
    VmSnapshot: toGlobalId('VmSnapshot', snapshot),
    Operation: toGlobalId('Operation', operation),
    AccessToken: text(made.data['createAccessToken']?.['accessToken']?.['id']),
    Zone: toGlobalId('Zone', rows[0]?.zone_id ?? ''),
    Cluster: toGlobalId('Cluster', place.clusterId),
  };
});
afterAll(() => world.stop());

const NODE = 'query ($id: ID!) { node(id: $id) { __typename id } }';

describe('reading', () => {
  it.each(['Project', 'VirtualMachine', 'Volume', 'VmSnapshot', 'Operation', 'AccessToken', 'Zone', 'Cluster'])(
    'another project’s %s is null in node(), and its own tenant or the ADMIN sees it',
    async (type) => {
      const id = theirs[type] ?? '';
      const isAdmins = type === 'Zone' || type === 'Cluster';
      const [stranger, insider] = [
        await world.ask(world.acme.owner, NODE, { id }),
        await world.ask(isAdmins ? world.adminToken : world.globex.viewer, NODE, { id }),
      ];
      expect(stranger).toMatchObject({ status: 200, data: { node: null }, errors: [] });
      expect(insider.data['node']).toEqual({ __typename: type, id });
    },
  );

  it('a machine by its id: null for the other project, for no id at all, and for an id of another type', async () => {
    const query = 'query ($id: ID!) { virtualMachine(id: $id) { name } }';
    for (const id of [world.globex.machineId, 'nonsense', theirs['Volume']]) {
      expect(await world.ask(world.acme.owner, query, { id })).toMatchObject({ data: { virtualMachine: null }, errors: [] });
    }
    expect((await world.ask(world.globex.viewer, query, { id: world.globex.machineId })).data).toEqual({
      virtualMachine: { name: 'globex-web' },
    });
  });

  it('lists hold only what the caller may see, whatever the filter says', async () => {
    const query = `query ($p: ID, $m: ID) {
      projects { totalCount nodes { name } }
      virtualMachines(filter: { projectId: $p }) { totalCount nodes { name } }
      volumes(filter: { virtualMachineId: $m }) { totalCount }
      vmSnapshots(filter: { virtualMachineId: $m }) { totalCount }
      operations(filter: { virtualMachineId: $m }) { totalCount }
    }`;
    const { data } = await world.ask(world.acme.owner, query, { p: world.globex.id, m: world.globex.machineId });
    expect(data).toEqual({
      projects: { totalCount: 1, nodes: [{ name: 'acme' }] },
      virtualMachines: { totalCount: 0, nodes: [] },
      volumes: { totalCount: 0 },
      vmSnapshots: { totalCount: 0 },
      operations: { totalCount: 0 },
    });
    const own = await world.ask(world.globex.viewer, query, { p: world.globex.id, m: world.globex.machineId });
    expect(own.data).toMatchObject({ volumes: { totalCount: 1 }, vmSnapshots: { totalCount: 1 }, operations: { totalCount: 1 } });
  });

  it('a machine that is not assigned is the ADMIN’s alone', async () => {
    const query = 'query ($id: ID!) { virtualMachine(id: $id) { name } virtualMachines(filter: { unassigned: true }) { nodes { name } } }';
    expect((await world.ask(world.acme.owner, query, { id: unassigned })).data).toEqual({
      virtualMachine: null,
      virtualMachines: { nodes: [] },
    });
    expect((await world.ask(world.adminToken, query, { id: unassigned })).data).toEqual({
      virtualMachine: { name: 'found' },
      virtualMachines: { nodes: [{ name: 'found' }] },
    });
  });

  it('of the host a tenant sees id and name, of the pool no bytes, of a snapshot no path; the ADMIN sees all', async () => {
    const query = `query ($id: ID!, $s: ID!) {
      virtualMachine(id: $id) { host { name state agentVersion capabilities { name enabled } cluster { name } } volumes { pool { name capacityBytes } } }
      node(id: $s) { ... on VmSnapshot { disks { layerPath allocatedBytes } } }
      zones { name } hosts { totalCount nodes { name state } } storagePools { nodes { availableBytes } }
    }`;
    const variables = { id: world.globex.machineId, s: theirs['VmSnapshot'] };
    const tenant = await world.ask(world.globex.viewer, query, variables);
    expect(tenant.errors).toEqual([]);
    expect(tenant.data).toMatchObject({
      virtualMachine: {
        host: { state: null, agentVersion: null, capabilities: null, cluster: null },
        volumes: [{ pool: { capacityBytes: null } }],
      },
      node: { disks: [{ layerPath: null, allocatedBytes: 1000 }] },
      zones: [],
      hosts: { totalCount: 1, nodes: [{ state: null }] },
      storagePools: { nodes: [{ availableBytes: null }] },
    });
    const admin = await world.ask(world.adminToken, query, variables);
    expect(admin.data).toMatchObject({
      virtualMachine: { host: { state: 'UP', agentVersion: '0.1.0', capabilities: [{ name: 'vm-snapshot.disk', enabled: true }] } },
      node: { disks: [{ layerPath: expect.stringContaining('.qcow2') }] },
      hosts: { nodes: [{ state: 'UP' }] },
      storagePools: { nodes: [{ availableBytes: 10 ** 11 }] },
    });
  });

  it('the history holds the own project’s transitions, and ACCESS is never shown', async () => {
    const query = '{ stateTransitions(first: 100) { nodes { subjectType } } }';
    await world.ask(world.adminToken, CREATE_TOKEN, { projectId: world.acme.id, name: 'to be revoked', role: 'VIEWER' });
    const { data } = await world.ask(world.adminToken, query);
    expect(JSON.stringify(data)).not.toContain('ACCESS');
  });
});

describe('changing', () => {
  const UPDATE =
    'mutation ($id: ID!) { updateVmSnapshot(input: { snapshotId: $id, locked: true }) { snapshot { locked } errors { code } } }';
  const CREATE = 'mutation ($id: ID!) { createVmSnapshot(input: { virtualMachineId: $id }) { operation { id } errors { code message } } }';
  const PLAN = 'query ($id: ID!) { planCreateVmSnapshot(input: { virtualMachineId: $id }) { plan { hash } errors { code } } }';

  it('another project’s snapshot is NOT_FOUND; a VIEWER of its own is FORBIDDEN; an OPERATOR may', async () => {
    const variables = { id: theirs['VmSnapshot'] };
    const codes = async (token: string) => (await world.ask(token, UPDATE, variables)).data['updateVmSnapshot'];
    expect(await codes(world.acme.owner)).toEqual({ snapshot: null, errors: [{ code: 'NOT_FOUND' }] });
    expect(await codes(world.globex.viewer)).toEqual({ snapshot: null, errors: [{ code: 'FORBIDDEN' }] });
    expect(await codes(world.globex.operator)).toEqual({ snapshot: { locked: true }, errors: [] });
  });

  it('taking a snapshot: NOT_FOUND for the other project, the same words as for no machine; FORBIDDEN for a VIEWER', async () => {
    const ask = async (token: string, id: string) => (await world.ask(token, CREATE, { id })).data['createVmSnapshot']?.['errors'];
    const foreign = await ask(world.acme.owner, world.globex.machineId);
    expect(foreign).toMatchObject([{ code: 'NOT_FOUND' }]);
    expect(await ask(world.acme.owner, toGlobalId('VirtualMachine', '00000000-0000-7000-8000-000000000000'))).toEqual(foreign);
    expect(await ask(world.acme.owner, 'nonsense')).toEqual(foreign);
    expect(await ask(world.acme.viewer, world.acme.machineId)).toMatchObject([{ code: 'FORBIDDEN' }]);
    const plan = await world.ask(world.acme.owner, PLAN, { id: world.globex.machineId });
    expect(plan.data).toEqual({ planCreateVmSnapshot: { plan: null, errors: [{ code: 'NOT_FOUND' }] } });
  });

  it('members and tokens: NOT_FOUND for the other project, FORBIDDEN below OWNER', async () => {
    const member = 'mutation ($p: ID!) { setProjectMember(input: { projectId: $p, email: "a@b.c", role: VIEWER }) { errors { code } } }';
    const token = 'mutation ($p: ID!) { createAccessToken(input: { projectId: $p, name: "n", role: VIEWER }) { token errors { code } } }';
    const revoke = 'mutation ($t: ID!) { revokeAccessToken(input: { tokenId: $t }) { errors { code } } }';
    const variables = { p: world.globex.id, t: theirs['AccessToken'] };
    for (const [query, name] of [
      [member, 'setProjectMember'],
      [token, 'createAccessToken'],
      [revoke, 'revokeAccessToken'],
    ] as const) {
      const codes = async (caller: string) => (await world.ask(caller, query, variables)).data[name]?.['errors'];
      expect(await codes(world.acme.owner)).toEqual([{ code: 'NOT_FOUND' }]);
      expect(await codes(world.globex.operator)).toEqual([{ code: 'FORBIDDEN' }]);
      expect(await codes(world.globex.owner)).toEqual([]);
    }
  });

  it.each([
    ['createProject', '{ name: "x" }'],
    ['createZone', '{ name: "x" }'],
    ['createCluster', '{ zoneId: "x", name: "x" }'],
    ['createHostEnrollment', '{ clusterId: "x", hostName: "x" }'],
    ['revokeHost', '{ hostId: "x" }'],
    ['acceptHost', '{ hostId: "x" }'],
    ['assignVirtualMachine', '{ virtualMachineId: "x", projectId: "x" }'],
  ])('%s is the ADMIN’s', async (name, input) => {
    const { data } = await world.ask(world.acme.owner, `mutation { ${name}(input: ${input}) { errors { code } } }`);
    expect(data[name]).toEqual({ errors: [{ code: 'FORBIDDEN' }] });
  });

  it('the quota of the own project is FORBIDDEN to its OWNER, of another one NOT_FOUND', async () => {
    const query =
      'mutation ($p: ID!) { setProjectQuota(input: { projectId: $p, vmSnapshots: 5 }) { project { quota { vmSnapshots } } errors { code } } }';
    const errors = async (p: string) => (await world.ask(world.acme.owner, query, { p })).data['setProjectQuota']?.['errors'];
    expect(await errors(world.acme.id)).toEqual([{ code: 'FORBIDDEN' }]);
    expect(await errors(world.globex.id)).toEqual([{ code: 'NOT_FOUND' }]);
  });
});

it('without a valid token nothing is answered, with status 401', async () => {
  for (const token of [null, 'coppice_nonsense']) {
    const answer = await world.ask(token, '{ viewer { id } }');
    expect(answer).toMatchObject({ status: 401, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  }
});
