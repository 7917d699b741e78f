/** A whole API process on a fresh database, in this process, with two projects that must never see each other. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newTokenText } from '../access/token.js';
import { compose } from '../compose.js';
import { toGlobalId } from '../graphql/global-id.js';
import { createLog } from '../platform/log.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { type Machine, type Place, seedMachine, seedPlace } from './seed.js';

/** A GraphQL answer, read as loosely as tests need. */
export type Answer = { status: number; data: Tree; errors: { message: string; extensions?: { code?: string } }[] };
/** JSON that a test walks down by names; what is not there is undefined all the way. */
export type Tree = { readonly [name: string]: Tree } & { readonly value?: never };

/** A project with tokens of each role and a machine. Global ids, but for `plain`. */
export type Tenant = { id: string; plain: string; owner: string; operator: string; viewer: string; machine: Machine; machineId: string };

/** What tests get. */
export type World = {
  url: string;
  port: number;
  database: TestDatabase;
  adminToken: string;
  place: Place;
  acme: Tenant;
  globex: Tenant;
  /** Sends a request with a token, or without one. */
  ask(token: string | null, query: string, variables?: object): Promise<Answer>;
  stop(): Promise<void>;
};

/** A text in an answer; empty where something else is there. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Starts it. `throughPort`: the API reaches the database by this port of this machine instead. */
export async function startWorld(throughPort: (url: URL) => Promise<number | null> = async () => null): Promise<World> {
  const database = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'coppice-api-test-'));
  const bootstrapAdminTokenFile = join(folder, 'token');
  const adminToken = newTokenText();
  await writeFile(bootstrapAdminTokenFile, adminToken, { mode: 0o600 });
  const logLevel = process.env['COPPICE_TEST_LOG'] ? 'debug' : 'silent';
  const databaseUrl = new URL(database.url);
  const otherPort = await throughPort(databaseUrl);
  if (otherPort !== null) databaseUrl.port = String(otherPort);
  const config = { databaseUrl: databaseUrl.href, port: 0, bind: '127.0.0.1', bootstrapAdminTokenFile, logLevel } as const;
  const api = await compose(config, createLog(logLevel));
  const port = await api.start();
  const url = `http://127.0.0.1:${port}/graphql`;
  await untilReady(port);
  const ask = (token: string | null, query: string, variables: object = {}) => askOver(url, token, { query, variables });
  const place = await seedPlace(database.sql);
  const context = { ask, adminToken, database, place };
  const [acme, globex] = [await tenant(context, 'acme'), await tenant(context, 'globex')];
  return {
    url,
    port,
    database,
    adminToken,
    place,
    acme,
    globex,
    ask,
    async stop() {
      await api.stop();
      await database.drop();
      await rm(folder, { recursive: true });
    },
  };
}

async function untilReady(port: number): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if ((await fetch(`http://127.0.0.1:${port}/readyz`)).ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the API did not become ready');
}

async function askOver(url: string, token: string | null, request: { query: string; variables: object }): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(request),
  });
  const body = JSON.parse(await response.text());
  return { status: response.status, data: body.data ?? {}, errors: body.errors ?? [] };
}

type Context = Pick<World, 'ask' | 'adminToken' | 'database' | 'place'>;

async function tenant({ ask, adminToken, database, place }: Context, name: string): Promise<Tenant> {
  const made = await ask(adminToken, 'mutation ($name: String!) { createProject(input: { name: $name }) { project { id } } }', { name });
  const id = text(made.data['createProject']?.['project']?.['id']);
  const plain = Buffer.from(id, 'base64url').toString().split(':')[1] ?? '';
  const machine = await seedMachine(database.sql, place, { projectId: plain, name: `${name}-web` });
  const token = async (role: string) => {
    const answer = await ask(adminToken, CREATE_TOKEN, { projectId: id, name: `${name} ${role}`, role });
    return text(answer.data['createAccessToken']?.['token']);
  };
  const [owner, operator, viewer] = [await token('OWNER'), await token('OPERATOR'), await token('VIEWER')];
  return { id, plain, owner, operator, viewer, machine, machineId: toGlobalId('VirtualMachine', machine.id) };
}

/** Makes a token; for tests that need one more. */
export const CREATE_TOKEN = `mutation ($projectId: ID, $name: String!, $role: Role!, $expiresAt: DateTime) {
  createAccessToken(input: { projectId: $projectId, name: $name, role: $role, expiresAt: $expiresAt }) {
    token accessToken { id name role expiresAt } errors { __typename code message path }
  }
}`;
