import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toGlobalId } from '../graphql/global-id.js';
import { seedOperation, seedSnapshot } from '../testing/seed.js';
import { subscribeByWebSocket } from '../testing/subscribers.js';
import { type Answer, CREATE_TOKEN, startWorld, type World, text } from '../testing/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop());

/** Asks a mutation that answers `errors { code path }` and whatever `wanted` says. */
async function change(token: string, mutation: string, ...[input, wanted = '']: [input: string, wanted?: string]): Promise<Answer['data']> {
  const query = `mutation { ${mutation}(input: ${input}) { ${wanted} errors { __typename code path } } }`;
  const answer = await world.ask(token, query);
  expect(answer.errors).toEqual([]);
  return answer.data[mutation] ?? {};
}

async function audits(action: string): Promise<{ outcome: string }[]> {
  const { rows } = await world.database.sql.query<{ outcome: string }>('SELECT outcome FROM audit_event WHERE action = $1 ORDER BY id', [
    action,
  ]);
  return rows;
}

const taken = (field: string) => ({ errors: [{ __typename: 'InputError', code: 'NAME_TAKEN', path: [field] }] });
const invalid = (field: string) => ({ errors: [{ __typename: 'InputError', code: 'INVALID_INPUT', path: [field] }] });

describe('names are unique and can be read', () => {
  it('of projects and zones, each with its audit event', async () => {
    for (const mutation of ['createProject', 'createZone']) {
      expect(await change(world.adminToken, mutation, '{ name: "north" }')).toEqual({ errors: [] });
      expect(await change(world.adminToken, mutation, '{ name: "north" }')).toMatchObject(taken('name'));
      for (const name of ['', ' ', 'a\\u0000b', 'line\\nend', 'x'.repeat(129)]) {
        expect(await change(world.adminToken, mutation, `{ name: "${name}" }`)).toMatchObject(invalid('name'));
      }
    }
    const outcomes = (await audits('createProject')).map((row) => row.outcome);
    expect(outcomes.slice(-7)).toEqual(['DONE', 'NAME_TAKEN', ...Array(5).fill('INVALID_INPUT')]);
  });

  it('of clusters in their zone, and of hosts that connected once', async () => {
    const zone = await change(world.adminToken, 'createZone', '{ name: "south" }', 'zone { id }');
    const input = `{ zoneId: "${text(zone['zone']?.['id'])}", name: "c" }`;
    const cluster = await change(world.adminToken, 'createCluster', input, 'cluster { id zone { name } }');
    expect(cluster).toMatchObject({ cluster: { zone: { name: 'south' } }, errors: [] });
    expect(await change(world.adminToken, 'createCluster', input)).toMatchObject(taken('name'));
    expect(await change(world.adminToken, 'createCluster', '{ zoneId: "x", name: "d" }')).toMatchObject({
      errors: [{ code: 'NOT_FOUND' }],
    });
    const host = `{ clusterId: "${text(cluster['cluster']?.['id'])}", hostName: "h1" }`;
    const made = await change(world.adminToken, 'createHostEnrollment', host, 'token host { id name state }');
    expect(made).toMatchObject({ token: expect.stringMatching(/.{40}/), host: { name: 'h1', state: 'ENROLLED' } });
    const { rows } = await world.database.sql.query("SELECT 1 FROM host WHERE enrolment_expires_at > now() + interval '23 hours'");
    expect(rows).toHaveLength(1);
    const revoked = await change(world.adminToken, 'revokeHost', `{ hostId: "${text(made['host']?.['id'])}" }`, 'host { state }');
    expect(revoked).toMatchObject({ host: { state: 'REVOKED' }, errors: [] });
  });
});

describe('a token never gives more than its maker has', () => {
  const make = async (token: string, variables: object) => (await world.ask(token, CREATE_TOKEN, variables)).data['createAccessToken'];

  it('not a stronger role, not ADMIN in a project, not a later end', async () => {
    const p = { projectId: world.acme.id };
    expect(await make(world.acme.owner, { ...p, name: 'a', role: 'OWNER' })).toMatchObject({ errors: [] });
    expect(await make(world.acme.owner, { ...p, name: 'a', role: 'VIEWER' })).toMatchObject(taken('name'));
    expect(await make(world.acme.owner, { ...p, name: 'b', role: 'ADMIN' })).toMatchObject(invalid('role'));
    expect(await make(world.acme.owner, { name: 'b', role: 'VIEWER' })).toMatchObject(invalid('projectId'));
    expect(await make(world.acme.owner, { ...p, name: 'b', role: 'VIEWER', expiresAt: '2020-01-01T00:00:00Z' })).toMatchObject(
      invalid('expiresAt'),
    );
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    const short = await make(world.acme.owner, { ...p, name: 'short', role: 'OWNER', expiresAt: soon });
    const late = new Date(Date.now() + 7_200_000).toISOString();
    expect(await make(text(short?.['token']), { ...p, name: 'c', role: 'VIEWER', expiresAt: late })).toMatchObject(invalid('expiresAt'));
    expect(await make(text(short?.['token']), { ...p, name: 'c', role: 'VIEWER' })).toMatchObject({ accessToken: { expiresAt: soon } });
  });

  it('and is kept as a hash alone; revoked, it is nobody’s', async () => {
    const made = await make(world.acme.owner, { projectId: world.acme.id, name: 'gone soon', role: 'VIEWER' });
    const bearer = text(made?.['token']);
    const { rows } = await world.database.sql.query('SELECT 1 FROM access_token t WHERE t::text LIKE $1', [`%${bearer}%`]);
    expect(rows).toEqual([]);
    expect((await world.ask(bearer, '{ viewer { email } }')).data).toEqual({ viewer: { email: 'token:gone soon' } });
    const input = `{ tokenId: "${text(made?.['accessToken']?.['id'])}" }`;
    expect(await change(world.acme.owner, 'revokeAccessToken', input, 'accessToken { name }')).toMatchObject({
      accessToken: { name: 'gone soon' },
    });
    expect((await world.ask(bearer, '{ viewer { email } }')).status).toBe(401);
    expect(await change(world.acme.owner, 'revokeAccessToken', input)).toMatchObject({ errors: [{ code: 'NOT_FOUND' }] });
  });
});

describe('members', () => {
  it('gain and lose the project, and their open streams with it', async () => {
    const { sql } = world.database;
    const member = (p: string, role: string) =>
      change(
        world.adminToken,
        'setProjectMember',
        `{ projectId: "${p}", email: "Eve@Example.org", role: ${role} }`,
        'project { members { role user { email } } }',
      );
    expect(await member(world.acme.id, 'OWNER')).toMatchObject({
      project: { members: [{ role: 'OWNER', user: { email: 'eve@example.org' } }] },
    });
    const { newTokenText, hashToken } = await import('../access/token.js');
    const token = newTokenText();
    const insert = `INSERT INTO access_token (id, name, token_hash, role, user_id)
      SELECT gen_random_uuid(), 'eve', $1, 'OPERATOR', id FROM user_account WHERE email = 'eve@example.org'`;
    await sql.query(insert, [Buffer.from(hashToken(token))]);
    const roles = await world.ask(token, '{ viewer { email projects { role project { name } } } }');
    expect(roles.data['viewer']).toEqual({ email: 'eve@example.org', projects: [{ role: 'OPERATOR', project: { name: 'acme' } }] });
    const query = 'subscription { stateTransitions { event { subjectId } } }';
    const stream = subscribeByWebSocket({ url: world.url, token, query });
    await member(world.globex.id, 'VIEWER');
    const snapshot = await seedSnapshot(sql, world.globex.machine, { name: 'watched', parentId: null });
    const id = toGlobalId('VmSnapshot', snapshot);
    // A widened stream goes on from its place, so the change of the new project arrives although the stream is older than the role.
    await stillTouching(stream, id);
    expect(stream.messages.some((one) => one.data?.['stateTransitions']?.['event']?.['subjectId'] !== undefined)).toBe(true);
    await member(world.globex.id, 'null');
    await stream.ended;
    expect(stream.messages.at(-1)?.errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
    expect((await world.ask(token, 'query ($id: ID!) { node(id: $id) { id } }', { id })).data).toEqual({ node: null });
    stream.stop();
  });

  async function stillTouching(stream: { messages: unknown[] }, id: string): Promise<void> {
    for (let n = 0; stream.messages.length === 0 && n < 100; n += 1) {
      await change(world.globex.operator, 'updateVmSnapshot', `{ snapshotId: "${id}", description: "${n}" }`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
});

describe('a VM snapshot', () => {
  it('is named, described and locked; its name is taken once on its machine', async () => {
    const { sql } = world.database;
    const first = await seedSnapshot(sql, world.acme.machine, { name: 'first', parentId: null });
    const id = toGlobalId('VmSnapshot', await seedSnapshot(sql, world.acme.machine, { name: 'second', parentId: first }));
    const update = (fields: string) =>
      change(world.acme.operator, 'updateVmSnapshot', `{ snapshotId: "${id}", ${fields} }`, 'snapshot { name description locked }');
    expect(await update('name: "first"')).toMatchObject({ snapshot: null, ...taken('name') });
    expect(await update('name: "renamed", description: "why", locked: true')).toMatchObject({
      snapshot: { name: 'renamed', description: 'why', locked: true },
    });
    expect(await update('description: null')).toMatchObject({ snapshot: { name: 'renamed', description: null, locked: true } });
    expect(await update('name: " "')).toMatchObject(invalid('name'));
    expect((await audits('updateVmSnapshot')).map((row) => row.outcome).slice(-4)).toEqual(['NAME_TAKEN', 'DONE', 'DONE', 'INVALID_INPUT']);
  });

  it('on a busy machine is refused by name of the operation, typed, and said so before', async () => {
    const operation = toGlobalId('Operation', await seedOperation(world.database.sql, world.globex.machine));
    const create = `mutation ($id: ID!) { createVmSnapshot(input: { virtualMachineId: $id }) {
      snapshot { id } errors { __typename code ... on MachineBusy { operation { id state } } } } }`;
    const refused = await world.ask(world.globex.operator, create, { id: world.globex.machineId });
    const errors = [{ __typename: 'MachineBusy', code: 'MACHINE_BUSY', operation: { id: operation, state: 'RUNNING' } }];
    expect(refused.data).toEqual({ createVmSnapshot: { snapshot: null, errors } });
    const actions = 'query ($id: ID!) { virtualMachine(id: $id) { operation { id } actions { action enabled code reason } } }';
    const busy = (await world.ask(world.globex.operator, actions, { id: world.globex.machineId })).data['virtualMachine'];
    expect(busy).toMatchObject({
      operation: { id: operation },
      actions: expect.arrayContaining([expect.objectContaining({ action: 'CREATE_VM_SNAPSHOT', enabled: false, code: 'MACHINE_BUSY' })]),
    });
    const destroy = { action: 'DESTROY', enabled: false, code: 'FORBIDDEN', reason: expect.stringContaining('role OWNER') };
    expect(busy).toMatchObject({ actions: expect.arrayContaining([expect.objectContaining(destroy)]) });
    const assign = `{ virtualMachineId: "${world.globex.machineId}", projectId: "${world.acme.id}" }`;
    expect(await change(world.adminToken, 'assignVirtualMachine', assign)).toMatchObject({ errors: [{ __typename: 'MachineBusy' }] });
  });

  it('is refused beyond the quota, with the figures', async () => {
    const { rows } = await world.database.sql.query<{ n: string }>('SELECT count(*) AS n FROM vm_snapshot WHERE project_id = $1', [
      world.acme.plain,
    ]);
    const used = Number(rows[0]?.n);
    const quota = `{ projectId: "${world.acme.id}", vmSnapshots: ${used} }`;
    const set = await change(
      world.adminToken,
      'setProjectQuota',
      quota,
      'project { quota { vmSnapshots volumeSnapshots } usage { vmSnapshots snapshotBytes } }',
    );
    expect(set).toMatchObject({ project: { quota: { vmSnapshots: used, volumeSnapshots: null }, usage: { vmSnapshots: used } } });
    const create = `mutation ($id: ID!) { createVmSnapshot(input: { virtualMachineId: $id }) { errors { __typename ... on QuotaExceeded { limit used } } } }`;
    const refused = await world.ask(world.acme.operator, create, { id: world.acme.machineId });
    expect(refused.data).toEqual({ createVmSnapshot: { errors: [{ __typename: 'QuotaExceeded', limit: used, used }] } });
  });
});
