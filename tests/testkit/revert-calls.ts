import type { GraphqlClient } from './graphql-client.js';
import { machineIsIdle, type SnapshotAnswer } from './snapshot-calls.js';
import { waitUntil } from './wait-until.js';

/** What revertToVmSnapshot answers. */
export interface RevertAnswer {
  readonly snapshot: { readonly id: string } | null;
  readonly safetySnapshot: { readonly id: string } | null;
  readonly operation: { readonly id: string } | null;
  readonly errors: readonly { readonly code: string; readonly message: string }[];
}

/** The input of revertToVmSnapshot but the snapshot. */
export interface RevertRequest {
  readonly snapshotFirst?: boolean;
  readonly start?: boolean;
  readonly planHash?: string;
}

/** An operation that has ended. */
export interface EndedOperation {
  readonly id: string;
  readonly state: string;
  readonly error: { readonly code: string; readonly message: string } | null;
}

const REVERT = `mutation Revert($input: RevertToVmSnapshotInput!) { revertToVmSnapshot(input: $input) {
  snapshot { id } safetySnapshot { id } operation { id } errors { code message }
} }`;
const PLAN = `query Plan($input: RevertToVmSnapshotInput!) { planRevertToVmSnapshot(input: $input) {
  plan { hash steps { kind } losesCurrentState stopsMachine warnings } errors { code message }
} }`;
const OPERATION = 'query Operation($id: ID!) { node(id: $id) { ... on Operation { id state finishedAt error { code message } } } }';

/** Asks to go back to a snapshot; the answer may be a refusal. */
export async function askToRevert(
  client: GraphqlClient,
  snapshot: { readonly id: string },
  request: RevertRequest = {},
): Promise<RevertAnswer> {
  const input = { snapshotId: snapshot.id, ...request };
  return (await client.ask<{ revertToVmSnapshot: RevertAnswer }>(REVERT, { input })).revertToVmSnapshot;
}

/** What it would do. */
export async function planRevert(client: GraphqlClient, snapshot: { readonly id: string }, request: RevertRequest = {}) {
  interface PlanAnswer {
    readonly plan: {
      readonly hash: string;
      readonly steps: readonly { readonly kind: string }[];
      readonly losesCurrentState: boolean;
    } | null;
    readonly errors: readonly { readonly code: string; readonly message: string }[];
  }
  const input = { snapshotId: snapshot.id, ...request };
  return (await client.ask<{ planRevertToVmSnapshot: PlanAnswer }>(PLAN, { input })).planRevertToVmSnapshot;
}

/** Waits until an operation has ended, however it did. */
export async function operationEnds(client: GraphqlClient, id: string): Promise<EndedOperation> {
  return waitUntil('the operation to end', async () => {
    const { node } = await client.ask<{ node: (EndedOperation & { finishedAt: string | null }) | null }>(OPERATION, { id });
    return node?.finishedAt ? node : undefined;
  });
}

/** Goes back and waits until that is done; throws where it is refused or fails. Answers the safety snapshot, if one was asked for. */
export async function revertTo(
  client: GraphqlClient,
  machine: { readonly id: string },
  target: { readonly snapshot: Pick<SnapshotAnswer, 'id'> } & RevertRequest,
): Promise<{ id: string } | null> {
  const { snapshot, ...request } = target;
  const answer = await askToRevert(client, snapshot, request);
  if (answer.operation === null) throw new Error(`the revert was refused: ${JSON.stringify(answer.errors)}`);
  const ended = await operationEnds(client, answer.operation.id);
  if (ended.state !== 'SUCCEEDED') throw new Error(`the revert ended ${ended.state}: ${JSON.stringify(ended.error)}`);
  await machineIsIdle(client, machine);
  return answer.safetySnapshot;
}
