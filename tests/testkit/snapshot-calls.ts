/** Snapshots and the snapshot tree by the public API. */
import type { GraphqlClient } from './graphql-client.js';
import { ERRORS, type RefusalAnswer, whenFree } from './operation-calls.js';
import { waitUntil } from './wait-until.js';

/** One snapshot as the public API shows it. `layerPath` is null for all but ADMIN. */
export interface SnapshotAnswer {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly state: string;
  readonly consistency: string;
  readonly isCurrent: boolean;
  readonly parent: { readonly id: string } | null;
  readonly disks: readonly {
    readonly target: string;
    readonly layerPath: string | null;
    readonly allocatedBytes: number;
    readonly volume: { readonly id: string } | null;
  }[];
  readonly error: { readonly code: string; readonly message: string; readonly retryable: boolean; readonly hint: string | null } | null;
  readonly operation: { readonly id: string; readonly state: string } | null;
}

/** What createVmSnapshot answers. */
export interface CreateAnswer {
  readonly snapshot: SnapshotAnswer | null;
  readonly operation: { readonly id: string; readonly state: string } | null;
  readonly errors: readonly RefusalAnswer[];
}

/** The input of createVmSnapshot but the machine. */
export interface CreateRequest {
  readonly name?: string;
  readonly kind?: 'DISK' | 'DISK_AND_MEMORY';
  readonly quiesce?: boolean;
  readonly volumeIds?: readonly string[];
  readonly idempotencyKey?: string;
}

const SNAPSHOT_FIELDS = `id name kind state consistency isCurrent parent { id }
  disks { target layerPath allocatedBytes volume { id } }
  error { code message retryable hint } operation { id state }`;

const CREATE = `mutation Create($input: CreateVmSnapshotInput!) { createVmSnapshot(input: $input) {
  snapshot { ${SNAPSHOT_FIELDS} } operation { id state }
  ${ERRORS}
} }`;
const SNAPSHOT = `query Snapshot($id: ID!) { node(id: $id) { ... on VmSnapshot { ${SNAPSHOT_FIELDS} } } }`;
const TREE = `query Tree($id: ID!) { virtualMachine(id: $id) { state operation { id } snapshotTree {
  revision cursor depth current { id } nodes { ${SNAPSHOT_FIELDS} }
} } }`;

/** The tree of one machine, and what holds the machine. */
export interface TreeAnswer {
  readonly state: string;
  readonly operation: { readonly id: string } | null;
  readonly snapshotTree: {
    readonly revision: number;
    readonly cursor: string;
    readonly depth: number;
    readonly current: { readonly id: string } | null;
    readonly nodes: readonly SnapshotAnswer[];
  };
}

/** Asks for a snapshot of a machine; the answer may be a refusal. */
export async function askForSnapshot(
  client: GraphqlClient,
  machine: { readonly id: string },
  request: CreateRequest = {},
): Promise<CreateAnswer> {
  const input = { virtualMachineId: machine.id, ...request };
  return (await client.ask<{ createVmSnapshot: CreateAnswer }>(CREATE, { input })).createVmSnapshot;
}

/** Asks for a snapshot that must be accepted; returns it as it was then, most likely ALLOCATED. */
export async function beginSnapshot(
  client: GraphqlClient,
  machine: { readonly id: string },
  request: CreateRequest = {},
): Promise<SnapshotAnswer> {
  return accepted(await askForSnapshot(client, machine, request));
}

function accepted({ snapshot, errors }: CreateAnswer): SnapshotAnswer {
  if (snapshot === null) throw new Error(`the snapshot was refused: ${JSON.stringify(errors)}`);
  return snapshot;
}

/** A snapshot as it is now, undefined if the token may not see it. */
export async function findSnapshot(client: GraphqlClient, id: string): Promise<SnapshotAnswer | undefined> {
  const { node } = await client.ask<{ node: SnapshotAnswer | null }>(SNAPSHOT, { id });
  return node ?? undefined;
}

/** Waits until a snapshot is in that state. Throws at once if it ends in ERROR where that was not expected. */
export async function snapshotIn(client: GraphqlClient, id: string, state: string): Promise<SnapshotAnswer> {
  let last: SnapshotAnswer | undefined;
  const describe = (): string => JSON.stringify(last);
  const found = await waitUntil(
    `snapshot to be ${state}`,
    async () => {
      last = await findSnapshot(client, id);
      return last !== undefined && (last.state === state || last.state === 'ERROR') ? last : undefined;
    },
    { describe },
  );
  if (found.state !== state) throw new Error(`the snapshot ended in ${found.state}, not ${state}: ${JSON.stringify(found.error)}`);
  return found;
}

/** Takes a snapshot as soon as nothing else holds the machine, and waits until it is READY. */
export async function takeSnapshot(
  client: GraphqlClient,
  machine: { readonly id: string },
  request: CreateRequest = {},
): Promise<SnapshotAnswer> {
  const begun = accepted(await whenFree('a snapshot', () => askForSnapshot(client, machine, request)));
  return snapshotIn(client, begun.id, 'READY');
}

/** The machine's tree as this token sees it. */
export async function treeOf(client: GraphqlClient, machine: { readonly id: string }): Promise<TreeAnswer> {
  const { virtualMachine } = await client.ask<{ virtualMachine: TreeAnswer | null }>(TREE, { id: machine.id });
  if (virtualMachine === null) throw new Error('the machine is not there for this token');
  return virtualMachine;
}

/** Waits until no operation holds the machine. */
export async function machineIsIdle(client: GraphqlClient, machine: { readonly id: string }): Promise<TreeAnswer> {
  let last: TreeAnswer | undefined;
  return waitUntil(
    'the machine to be held by no operation',
    async () => {
      last = await treeOf(client, machine);
      return last.operation === null ? last : undefined;
    },
    { describe: () => JSON.stringify(last) },
  );
}

/** The cursor of now: a subscription from it misses nothing that comes later. */
export async function cursorOf(client: GraphqlClient): Promise<string> {
  return (await client.ask<{ cursor: string }>('query Now { cursor }')).cursor;
}
