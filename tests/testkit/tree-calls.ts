/** Reverts, deletes and operations by the public API, for tests that drive a whole tree. */
import type { GraphqlClient } from './graphql-client.js';
import { waitUntil } from './wait-until.js';

/** One entry of a payload's `errors`. */
interface RefusalAnswer {
  readonly code: string;
  readonly message: string;
  readonly plan?: PlanAnswer;
  readonly operation?: { readonly id: string };
}

/** A plan as the API shows it. */
export interface PlanAnswer {
  readonly hash: string;
  readonly bytesToMove: number;
  readonly bytesFreed: number;
  readonly peakExtraBytes: number;
  readonly estimatedSeconds: number | null;
  readonly stopsMachine: boolean;
  readonly losesCurrentState: boolean;
  readonly warnings: readonly string[];
  readonly steps: readonly { readonly kind: string; readonly bytesToMove: number; readonly volume: { readonly id: string } | null }[];
}

/** An operation as the API shows it. */
export interface OperationAnswer {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly cancelable: boolean;
  readonly cancelEffect: string | null;
  readonly error: { readonly code: string; readonly message: string; readonly retryable: boolean; readonly hint: string | null } | null;
  readonly steps: readonly { readonly kind: string; readonly state: string }[];
}

/** What a mutation that starts work answers. */
export interface StartedAnswer {
  readonly operation: { readonly id: string } | null;
  readonly safetySnapshot?: { readonly id: string } | null;
  readonly errors: readonly RefusalAnswer[];
}

const PLAN = `hash bytesToMove bytesFreed peakExtraBytes estimatedSeconds stopsMachine losesCurrentState warnings steps { kind bytesToMove volume { id } }`;
const ERRORS = `errors { code message ... on PlanChanged { plan { ${PLAN} } } ... on MachineBusy { operation { id } } }`;
const OPERATION = `id kind state cancelable cancelEffect error { code message retryable hint } steps { kind state }`;

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

/** Any mutation that starts work and answers an operation; `input` is its whole input. */
export function askFor(client: GraphqlClient, mutation: string, input: Readonly<Record<string, unknown>>): Promise<StartedAnswer> {
  const type = `${mutation[0]?.toUpperCase()}${mutation.slice(1)}Input`;
  return change(client, { name: mutation, type: INPUTS[mutation] ?? type, selection: `operation { id } ${ERRORS}` }, input);
}

/** Inputs that are not named after their mutation. */
const INPUTS: Readonly<Record<string, string>> = {
  startVirtualMachine: 'VirtualMachineActionInput',
  destroyVirtualMachine: 'VirtualMachineActionInput',
  detachVolume: 'VolumeActionInput',
  reconcileVirtualMachine: 'ReconcileInput',
  cancelOperation: 'OperationActionInput',
  retryOperation: 'OperationActionInput',
};

/** What a revert would do. Throws where it is refused. */
export async function planRevert(client: GraphqlClient, snapshotId: string, request: RevertRequest = {}): Promise<PlanAnswer> {
  return plan(client, { name: 'planRevertToVmSnapshot', type: 'RevertToVmSnapshotInput' }, { snapshotId, ...request });
}

/** What a delete would do. Throws where it is refused. */
export async function planDelete(client: GraphqlClient, machine: { readonly id: string }, request: DeleteRequest): Promise<PlanAnswer> {
  return plan(client, { name: 'planDeleteVmSnapshots', type: 'DeleteVmSnapshotsInput' }, { virtualMachineId: machine.id, ...request });
}

/** The operation that a mutation started. Throws with the refusal where there is none. */
export function operationOf(answer: StartedAnswer): string {
  if (answer.operation === null) throw new Error(`refused: ${JSON.stringify(answer.errors)}`);
  return answer.operation.id;
}

/** An operation as it is now. */
export async function findOperation(client: GraphqlClient, id: string): Promise<OperationAnswer> {
  const document = `query Operation($id: ID!) { node(id: $id) { ... on Operation { ${OPERATION} } } }`;
  const { node } = await client.ask<{ node: OperationAnswer | null }>(document, { id });
  if (node === null) throw new Error(`operation ${id} is not there for this token`);
  return node;
}

/** Waits until an operation has ended, however it did. */
export async function operationEnded(client: GraphqlClient, id: string): Promise<OperationAnswer> {
  let last: OperationAnswer | undefined;
  const isOver = new Set(['SUCCEEDED', 'FAILED', 'CANCELLED']);
  return waitUntil(
    'the operation to end',
    async () => {
      last = await findOperation(client, id);
      return isOver.has(last.state) ? last : undefined;
    },
    { describe: () => JSON.stringify(last) },
  );
}

/** Waits until what a mutation started has SUCCEEDED. Throws with its error where it did not. */
export async function succeeded(client: GraphqlClient, answer: StartedAnswer): Promise<OperationAnswer> {
  const ended = await operationEnded(client, operationOf(answer));
  if (ended.state !== 'SUCCEEDED') throw new Error(`${ended.kind} ended ${ended.state}: ${JSON.stringify(ended.error)}`);
  return ended;
}

type Asked = { name: string; type: string; selection: string };

async function change(client: GraphqlClient, { name, type, selection }: Asked, input: object): Promise<StartedAnswer> {
  const document = `mutation Change($input: ${type}!) { answer: ${name}(input: $input) { ${selection} } }`;
  return (await client.ask<{ answer: StartedAnswer }>(document, { input })).answer;
}

async function plan(client: GraphqlClient, { name, type }: Omit<Asked, 'selection'>, input: object): Promise<PlanAnswer> {
  const document = `query Plan($input: ${type}!) { answer: ${name}(input: $input) { plan { ${PLAN} } ${ERRORS} } }`;
  const { answer } = await client.ask<{ answer: { plan: PlanAnswer | null; errors: readonly RefusalAnswer[] } }>(document, { input });
  if (answer.plan === null) throw new Error(`the plan was refused: ${JSON.stringify(answer.errors)}`);
  return answer.plan;
}
