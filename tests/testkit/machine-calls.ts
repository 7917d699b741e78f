/** Machines, their disks and their drift as the public API shows them. */
import type { GraphqlClient } from './graphql-client.js';
import { waitUntil } from './wait-until.js';

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
  readonly guestAgent: string;
  readonly vcpus: number;
  readonly host: { readonly id: string; readonly name: string } | null;
  readonly operation: { readonly id: string } | null;
  readonly volumes: readonly { readonly id: string; readonly target: string | null; readonly actions: readonly ActionAnswer[] }[];
  readonly drift: {
    readonly findings: readonly { readonly code: string; readonly message: string; readonly repairable: boolean }[];
  } | null;
  readonly actions: readonly ActionAnswer[];
}

const MACHINE = `query MachineSeen($id: ID!) { virtualMachine(id: $id) { state powerState guestAgent vcpus host { id name } operation { id }
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
