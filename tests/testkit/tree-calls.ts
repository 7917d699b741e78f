/** Reverts and deletes by the public API. */
import type { GraphqlClient } from './graphql-client.js';
import { change, ERRORS, type OperationAnswer, plan, type PlanAnswer, type StartedAnswer, succeeded, whenFree } from './operation-calls.js';
import { machineIsIdle, type SnapshotAnswer } from './snapshot-calls.js';

/** The input of revertToVmSnapshot but the snapshot. */
export interface RevertRequest {
  readonly snapshotFirst?: boolean;
  readonly start?: boolean;
  readonly planHash?: string;
}

/** The input of deleteVmSnapshots but the machine. */
export interface DeleteRequest {
  readonly snapshotIds?: readonly string[];
  readonly withDescendants?: boolean;
  readonly freeBytes?: number;
  readonly planHash?: string;
}

/** Asks for a revert; the answer may be a refusal. */
export function askToRevert(client: GraphqlClient, snapshotId: string, request: RevertRequest = {}): Promise<StartedAnswer> {
  const selection = `operation { id } safetySnapshot { id } ${ERRORS}`;
  return change(client, { name: 'revertToVmSnapshot', type: 'RevertToVmSnapshotInput', selection }, { snapshotId, ...request });
}

/** Asks for a delete; the answer may be a refusal. */
export function askToDelete(client: GraphqlClient, machine: { readonly id: string }, request: DeleteRequest): Promise<StartedAnswer> {
  const selection = `operation { id } ${ERRORS}`;
  return change(
    client,
    { name: 'deleteVmSnapshots', type: 'DeleteVmSnapshotsInput', selection },
    { virtualMachineId: machine.id, ...request },
  );
}

/** What a revert would do. Throws where it is refused. */
export async function planRevert(client: GraphqlClient, snapshotId: string, request: RevertRequest = {}): Promise<PlanAnswer> {
  return plan(client, { name: 'planRevertToVmSnapshot', type: 'RevertToVmSnapshotInput' }, { snapshotId, ...request });
}

/** What a delete would do. Throws where it is refused. */
export async function planDelete(client: GraphqlClient, machine: { readonly id: string }, request: DeleteRequest): Promise<PlanAnswer> {
  return plan(client, { name: 'planDeleteVmSnapshots', type: 'DeleteVmSnapshotsInput' }, { virtualMachineId: machine.id, ...request });
}

/** Goes back as soon as nothing else holds the machine, and waits until that is done; throws where it is refused or fails. Answers the safety snapshot, if asked for. */
export async function revertTo(
  client: GraphqlClient,
  machine: { readonly id: string },
  target: { readonly snapshot: Pick<SnapshotAnswer, 'id'> } & RevertRequest,
): Promise<{ readonly id: string } | null> {
  const { snapshot, ...request } = target;
  const answer = await whenFree('a revert', () => askToRevert(client, snapshot.id, request));
  await succeeded(client, answer);
  await machineIsIdle(client, machine);
  return answer.safetySnapshot ?? null;
}

/** Asks for a delete as soon as nothing else holds the machine; the answer may be another refusal. */
export function askToDeleteWhenFree(
  client: GraphqlClient,
  machine: { readonly id: string },
  request: DeleteRequest,
): Promise<StartedAnswer> {
  return whenFree('a delete', () => askToDelete(client, machine, request));
}

/** Deletes snapshots and waits until that has succeeded and nothing holds the machine. */
export async function deleteSnapshots(
  client: GraphqlClient,
  machine: { readonly id: string },
  request: DeleteRequest,
): Promise<OperationAnswer> {
  const ended = await succeeded(client, await askToDeleteWhenFree(client, machine, request));
  await machineIsIdle(client, machine);
  return ended;
}
