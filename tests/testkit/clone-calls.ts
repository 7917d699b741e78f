/** Clones and templates by the public API, and the clones as their host has them. */
import { join } from 'node:path';
import { virsh } from '@coppice/lab';
import type { GraphqlClient } from './graphql-client.js';
import { contentHash } from './content.js';
import { ERRORS, type StartedAnswer, succeeded, whenFree } from './operation-calls.js';
import type { World } from './world.js';

/** The input of cloneVmSnapshot but the snapshot. */
export interface CloneRequest {
  readonly name: string;
  readonly linked?: boolean;
  readonly start?: boolean;
  readonly idempotencyKey?: string;
}

/** What cloneVmSnapshot answers. */
export interface CloneAnswer extends StartedAnswer {
  readonly virtualMachine: { readonly id: string } | null;
}

const CLONE = `mutation Clone($input: CloneVmSnapshotInput!) { answer: cloneVmSnapshot(input: $input) {
  virtualMachine { id } operation { id } ${ERRORS} } }`;

/** Asks for a clone; the answer may be a refusal. */
export async function askToClone(client: GraphqlClient, snapshotId: string, request: CloneRequest): Promise<CloneAnswer> {
  return (await client.ask<{ answer: CloneAnswer }>(CLONE, { input: { snapshotId, ...request } })).answer;
}

/** A machine that was cloned: its id in the API, and the name of its domain. */
export interface Clone {
  readonly id: string;
  readonly domain: string;
}

/** Clones a snapshot of acme as soon as nothing else holds the machine, and waits until that has succeeded. */
export async function clone(world: World, snapshotId: string, request: CloneRequest): Promise<Clone> {
  const client = world.as(world.acme.ownerToken);
  const answer = await whenFree('a clone', () => askToClone(client, snapshotId, request));
  await succeeded(client, answer);
  return { id: answer.virtualMachine?.id ?? '', domain: await domainOf(world, request.name) };
}

/** The name of the domain that was made for a machine of this name on host h1. */
async function domainOf(world: World, name: string): Promise<string> {
  const names = (await virsh(world.host('h1').libvirtUri, ['list', '--all', '--name'])).split('\n');
  const found = names.find((one) => one.startsWith(`${name}-`));
  if (found === undefined) throw new Error(`the host has no domain ${name}-…: ${names.join(' ')}`);
  return found;
}

/** The heads of a clone by target, as its persistent definition says. */
export async function headsOf(world: World, { domain }: Clone): Promise<Readonly<Record<string, string>>> {
  const output = await virsh(world.host('h1').libvirtUri, ['domblklist', domain, '--inactive']);
  return Object.fromEntries(
    [...output.matchAll(/^\s*(vd[a-z])\s+(\S+)\s*$/gm)].map((row): [string, string] => [row[1] ?? '', row[2] ?? '']),
  );
}

/** Hashes of what a clone reads, by target. */
export async function cloneContent(world: World, made: Clone): Promise<Readonly<Record<string, string>>> {
  const entries: [string, string][] = [];
  for (const [target, path] of Object.entries(await headsOf(world, made))) entries.push([target, await contentHash(path)]);
  return Object.fromEntries(entries);
}

/** A template as the API shows it. */
export interface TemplateAnswer {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly virtualBytes: number;
  readonly physicalBytes: number;
}

const TEMPLATE = `mutation Make($input: CreateTemplateInput!) { answer: createTemplate(input: $input) {
  template { id } operation { id } ${ERRORS} } }`;
const TEMPLATES = `query Templates { templates { nodes { id name state virtualBytes physicalBytes } totalCount } }`;

/** Makes a template of all disks of a VM snapshot, and waits until that has succeeded. */
export async function makeTemplate(
  client: GraphqlClient,
  input: { readonly name: string; readonly vmSnapshotId: string },
): Promise<string> {
  const { answer } = await client.ask<{ answer: StartedAnswer & { readonly template: { readonly id: string } | null } }>(TEMPLATE, {
    input,
  });
  await succeeded(client, answer);
  return answer.template?.id ?? '';
}

/** The templates that this token sees. */
export async function templatesOf(client: GraphqlClient): Promise<readonly TemplateAnswer[]> {
  return (await client.ask<{ templates: { nodes: TemplateAnswer[] } }>(TEMPLATES)).templates.nodes;
}

/** Where the files of a template lie, by target. Not in the API: which files they are is nobody's business there. */
export async function templateFiles(world: World, name: string): Promise<Readonly<Record<string, string>>> {
  const rows = await world.database.sql(
    'SELECT d.target, l.file_name FROM template t JOIN template_disk d ON d.template_id = t.id JOIN layer l ON l.id = d.layer_id WHERE t.name = $1',
    [name],
  );
  return Object.fromEntries(rows.map((row): [string, string] => [String(row['target']), join(world.poolDir, String(row['file_name']))]));
}
