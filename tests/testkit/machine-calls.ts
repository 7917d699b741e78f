/** Machines, their disks and their drift as the public API shows them. */
import type { GraphqlClient } from './graphql-client.js';
import { askForSnapshot, type CreateRequest, type SnapshotAnswer, snapshotIn } from './snapshot-calls.js';
import { askFor, succeeded } from './tree-calls.js';
import { Hopeless, waitUntil } from './wait-until.js';
import type { KnownMachine } from './world.js';

/** One action and whether it may be asked for. */
interface ActionAnswer {
  readonly action: string;
  readonly enabled: boolean;
  readonly code: string | null;
  readonly reason: string | null;
}

/** A machine as this token sees it. */
export interface MachineSeen {
  readonly state: string;
  readonly powerState: string;
  readonly vcpus: number;
  readonly host: { readonly id: string; readonly name: string } | null;
  readonly operation: { readonly id: string } | null;
  readonly volumes: readonly { readonly id: string; readonly target: string | null; readonly actions: readonly ActionAnswer[] }[];
  readonly drift: {
    readonly findings: readonly { readonly code: string; readonly message: string; readonly repairable: boolean }[];
  } | null;
  readonly actions: readonly ActionAnswer[];
}

const MACHINE = `query MachineSeen($id: ID!) { virtualMachine(id: $id) { state powerState vcpus host { id name } operation { id }
  volumes { id target actions { action enabled code reason } } drift { findings { code message repairable } } actions { action enabled code reason } } }`;

/** The machine as it is now. */
export async function machineSeen(client: GraphqlClient, machine: { readonly id: string }): Promise<MachineSeen> {
  const { virtualMachine } = await client.ask<{ virtualMachine: MachineSeen | null }>(MACHINE, { id: machine.id });
  if (virtualMachine === null) throw new Error('the machine is not there for this token');
  return virtualMachine;
}

/** Waits until the API shows the machine as wanted. */
export async function machineBecomes(
  client: GraphqlClient,
  machine: { readonly id: string },
  isWanted: (seen: MachineSeen) => boolean,
): Promise<MachineSeen> {
  let last: MachineSeen | undefined;
  return waitUntil(
    'the machine to be as wanted',
    async () => {
      last = await machineSeen(client, machine);
      return isWanted(last) ? last : undefined;
    },
    { describe: () => JSON.stringify(last) },
  );
}

/** Waits until the machine is drifted, with exactly these findings in any order. */
export function driftedBy(client: GraphqlClient, machine: { readonly id: string }, codes: readonly string[]): Promise<MachineSeen> {
  const wanted = codes.toSorted().join(' ');
  return machineBecomes(
    client,
    machine,
    ({ drift }) =>
      drift?.findings
        .map(({ code }) => code)
        .toSorted()
        .join(' ') === wanted,
  );
}

/** Asks for something as soon as nothing else holds the machine (the system's own work on layers may), and waits until it has succeeded. */
export async function doTo(client: GraphqlClient, mutation: string, input: Readonly<Record<string, unknown>>): Promise<void> {
  const answer = await waitUntil(`${mutation} to be taken`, async () => {
    const asked = await askFor(client, mutation, input);
    return asked.errors.some(({ code }) => code === 'MACHINE_BUSY') ? undefined : asked;
  });
  await succeeded(client, answer);
}

/** Takes a snapshot as soon as nothing else holds the machine. */
export async function takeWhenFree(client: GraphqlClient, machine: KnownMachine, request: CreateRequest = {}): Promise<SnapshotAnswer> {
  const begun = await waitUntil('the snapshot to be taken on', async () => {
    const { snapshot, errors } = await askForSnapshot(client, machine, request);
    if (snapshot === null && !errors.some(({ code }) => code === 'MACHINE_BUSY')) throw new Hopeless(`refused: ${JSON.stringify(errors)}`);
    return snapshot ?? undefined;
  });
  return snapshotIn(client, begun.id, 'READY');
}

/** The code of a refusal; undefined where it was accepted. */
export async function refusalOf(
  client: GraphqlClient,
  mutation: string,
  input: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  return (await askFor(client, mutation, input)).errors[0]?.code;
}
