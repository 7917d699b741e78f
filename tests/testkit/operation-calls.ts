/** Work by the public API, whichever it is: mutations that start it, what they refuse, its plan, its operation. */
import type { GraphqlClient } from './graphql-client.js';
import { waitUntil } from './wait-until.js';

/** One entry of a payload's `errors`; `plan` is there for PLAN_CHANGED, `operation` for MACHINE_BUSY. */
export interface RefusalAnswer {
  readonly code: string;
  readonly message: string;
  readonly path: readonly string[] | null;
  readonly plan?: PlanAnswer;
  readonly operation?: { readonly id: string; readonly kind: string };
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
/** What to ask of `errors`. */
export const ERRORS = `errors { __typename code message path ... on PlanChanged { plan { ${PLAN} } } ... on MachineBusy { operation { id kind } } }`;
const OPERATION = `id kind state cancelable cancelEffect error { code message retryable hint } steps { kind state }`;

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
  deleteTemplate: 'TemplateActionInput',
  cancelOperation: 'OperationActionInput',
  retryOperation: 'OperationActionInput',
};

/** Asks again while something else holds the machine, such as the system's own work on its layers; the answer may be another refusal. */
export function whenFree<T extends { readonly errors: readonly RefusalAnswer[] }>(what: string, ask: () => Promise<T>): Promise<T> {
  return waitUntil(`the machine to be free for ${what}`, async () => {
    const answer = await ask();
    return answer.errors.some(({ code }) => code === 'MACHINE_BUSY') ? undefined : answer;
  });
}

/** Asks for something as soon as nothing else holds the machine, and waits until it has succeeded. */
export async function doTo(client: GraphqlClient, mutation: string, input: Readonly<Record<string, unknown>>): Promise<void> {
  await succeeded(client, await whenFree(mutation, () => askFor(client, mutation, input)));
}

/** The code of a refusal; undefined where it was accepted. */
export async function refusalOf(
  client: GraphqlClient,
  mutation: string,
  input: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  return (await askFor(client, mutation, input)).errors[0]?.code;
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

/** A mutation or plan query: its name, its input's type, and what of its payload is asked for. */
type Asked = { name: string; type: string; selection: string };

/** Asks for a change; the answer may be a refusal. */
export async function change(client: GraphqlClient, { name, type, selection }: Asked, input: object): Promise<StartedAnswer> {
  const document = `mutation Change($input: ${type}!) { answer: ${name}(input: $input) { ${selection} } }`;
  return (await client.ask<{ answer: StartedAnswer }>(document, { input })).answer;
}

/** Asks what a change would do. Throws where that is refused. */
export async function plan(client: GraphqlClient, { name, type }: Omit<Asked, 'selection'>, input: object): Promise<PlanAnswer> {
  const document = `query Plan($input: ${type}!) { answer: ${name}(input: $input) { plan { ${PLAN} } ${ERRORS} } }`;
  const { answer } = await client.ask<{ answer: { plan: PlanAnswer | null; errors: readonly RefusalAnswer[] } }>(document, { input });
  if (answer.plan === null) throw new Error(`the plan was refused: ${JSON.stringify(answer.errors)}`);
  return answer.plan;
}
