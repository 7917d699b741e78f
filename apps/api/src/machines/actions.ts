/** What may be asked for now. What this version cannot do says so: a button that would only fail is a lie. */
import type { Refusal, UserErrorCode } from '../errors/refusal.js';
import type { GraphQLContext } from '../graphql/context.js';
import type { MachineRecord } from './machine.reads.store.js';

/** The contract's ActionAvailability. */
export type Availability = { action: string; enabled: boolean; code: UserErrorCode | null; reason: string | null };

const LATER_ON_MACHINES = ['START', 'STOP', 'MIGRATE', 'RESIZE', 'ATTACH_VOLUME', 'DETACH_VOLUME', 'DESTROY', 'RECONCILE'];
const LATER_ON_VOLUMES = ['CREATE_VOLUME_SNAPSHOT', 'REVERT_VOLUME', 'MIGRATE_VOLUME', 'ATTACH_VOLUME', 'DETACH_VOLUME', 'CREATE_TEMPLATE'];

/** An action that this version does not have. */
export function notYet(action: string): Availability {
  const reason = 'This version of Coppice cannot do this yet.';
  return { action, enabled: false, code: 'CAPABILITY_DISABLED', reason };
}

/** An action, allowed or refused. */
export function availability(action: string, refusal: Refusal | null | undefined): Availability {
  return { action, enabled: !refusal, code: refusal?.code ?? null, reason: refusal?.message ?? null };
}

/** Of a machine. CREATE_VM_SNAPSHOT is answered by the use case itself, asked for its plan with the input's defaults. */
export async function actionsOfMachine(context: GraphQLContext, machine: MachineRecord): Promise<Availability[]> {
  const outcome = await context.app.createVmSnapshot.plan(context.principal, {
    virtualMachineId: machine.id,
    name: null,
    description: null,
    kind: 'DISK',
    quiesce: false,
    volumeIds: null,
    planHash: null,
    idempotencyKey: null,
  });
  return [availability('CREATE_VM_SNAPSHOT', outcome.ok ? null : outcome.refusals[0]), ...LATER_ON_MACHINES.map(notYet)];
}

/** Of a volume. */
export function actionsOfVolume(): Availability[] {
  return LATER_ON_VOLUMES.map(notYet);
}
