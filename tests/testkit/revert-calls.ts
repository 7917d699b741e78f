import type { GraphqlClient } from './graphql-client.js';
import { machineIsIdle, type SnapshotAnswer } from './snapshot-calls.js';
import { askToRevert, type RevertRequest, succeeded } from './tree-calls.js';

/** Goes back and waits until that is done; throws where it is refused or fails. Answers the safety snapshot, if one was asked for. */
export async function revertTo(
  client: GraphqlClient,
  machine: { readonly id: string },
  target: { readonly snapshot: Pick<SnapshotAnswer, 'id'> } & RevertRequest,
): Promise<{ readonly id: string } | null> {
  const { snapshot, ...request } = target;
  const answer = await askToRevert(client, snapshot.id, request);
  await succeeded(client, answer);
  await machineIsIdle(client, machine);
  return answer.safetySnapshot ?? null;
}
