/** Volume snapshots by the public API. */
import { join } from 'node:path';
import type { GraphqlClient } from './graphql-client.js';
import { ERRORS, type RefusalAnswer, whenFree } from './operation-calls.js';
import { plainId } from './plain-id.js';
import { Hopeless, waitUntil } from './wait-until.js';
import type { World } from './world.js';

/** The input of createVolumeSnapshot. */
export interface VolumeSnapshotRequest {
  readonly volumeId: string;
  readonly vmSnapshotId?: string;
  readonly name?: string;
  readonly kind?: 'FULL' | 'INCREMENTAL';
  readonly location?: 'PRIMARY' | 'SECONDARY';
  readonly quiesce?: boolean;
}

/** A volume snapshot as the API shows it. */
export interface VolumeSnapshotAnswer {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly location: string;
  readonly state: string;
  readonly locked: boolean;
  readonly consistency: string;
  readonly virtualBytes: number;
  readonly physicalBytes: number;
  readonly checksum: string | null;
  readonly volume: { readonly id: string } | null;
  readonly operation: { readonly id: string; readonly state: string } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** What a mutation of a volume snapshot answers. */
export interface VolumeSnapshotPayload {
  readonly snapshot: VolumeSnapshotAnswer | null;
  readonly operation: { readonly id: string } | null;
  readonly errors: readonly RefusalAnswer[];
}

const FIELDS = `id name kind location state locked consistency virtualBytes physicalBytes checksum volume { id }
  operation { id state } error { code message }`;
const PAYLOAD = `snapshot { ${FIELDS} } operation { id } ${ERRORS}`;

/** One of the three mutations; the answer may be a refusal. `input`: its whole input. */
export async function changeVolumeSnapshot(
  client: GraphqlClient,
  mutation: 'createVolumeSnapshot' | 'deleteVolumeSnapshot' | 'updateVolumeSnapshot',
  input: object,
): Promise<VolumeSnapshotPayload> {
  const types = {
    createVolumeSnapshot: 'CreateVolumeSnapshot',
    deleteVolumeSnapshot: 'VolumeSnapshotAction',
    updateVolumeSnapshot: 'UpdateVolumeSnapshot',
  };
  const document = `mutation Change($input: ${types[mutation]}Input!) { answer: ${mutation}(input: $input) { ${PAYLOAD} } }`;
  return (await client.ask<{ answer: VolumeSnapshotPayload }>(document, { input })).answer;
}

/** A volume snapshot as it is now; null if the token may not see it. */
export async function findVolumeSnapshot(client: GraphqlClient, id: string): Promise<VolumeSnapshotAnswer | null> {
  const document = `query VolumeSnapshot($id: ID!) { node(id: $id) { ... on VolumeSnapshot { ${FIELDS} } } }`;
  return (await client.ask<{ node: VolumeSnapshotAnswer | null }>(document, { id })).node;
}

/** Ids of the volume snapshots of a volume, newest first, as the volume itself lists them. */
export async function snapshotsOfVolume(client: GraphqlClient, volumeId: string): Promise<string[]> {
  const document = 'query Of($id: ID!) { node(id: $id) { ... on Volume { snapshots { nodes { id } } } } }';
  const { node } = await client.ask<{ node: { snapshots: { nodes: { id: string }[] } } | null }>(document, { id: volumeId });
  return node?.snapshots.nodes.map(({ id }) => id) ?? [];
}

/** Waits until it is in that state. Throws at once if it ends in ERROR where that was not expected. */
export function volumeSnapshotIn(client: GraphqlClient, id: string, state: string): Promise<VolumeSnapshotAnswer> {
  return waitUntil(`the volume snapshot to be ${state}`, async () => {
    const found = await findVolumeSnapshot(client, id);
    if (found?.state === 'ERROR' && state !== 'ERROR') throw new Hopeless(`it ended in ERROR: ${JSON.stringify(found.error)}`);
    return found?.state === state ? found : undefined;
  });
}

/** Takes one as soon as nothing else holds the machine, and waits until it is whole. */
export async function takeVolumeSnapshot(client: GraphqlClient, request: VolumeSnapshotRequest): Promise<VolumeSnapshotAnswer> {
  const { snapshot, errors } = await whenFree('a volume snapshot', () => changeVolumeSnapshot(client, 'createVolumeSnapshot', request));
  if (snapshot === null) throw new Error(`the volume snapshot was refused: ${JSON.stringify(errors)}`);
  return volumeSnapshotIn(client, snapshot.id, 'CREATED_ON_PRIMARY');
}

/** Where its file lies. */
export function volumeSnapshotPath(world: World, { id }: { readonly id: string }): string {
  return join(world.poolDir, `snapshot-${plainId(id)}.qcow2`);
}
