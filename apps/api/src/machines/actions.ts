/**
 * What may be asked for now: each kind of work is asked by its own decision, all of them from one reading of the machine's facts. What this
 * version cannot do says so: a button that would only fail is a lie.
 */
import type { Principal } from '../access/principal.js';
import { refusalFor } from '../access/refusals.js';
import type { Outcome, Refusal, UserErrorCode } from '../errors/refusal.js';
import type { GraphQLContext } from '../graphql/context.js';
import { decideCreate } from '../vm-snapshots/create/decide-create.js';
import { decideCreateVolumeSnapshot } from '../volume-snapshots/create/decide-create.js';
import { checkAccess, type Needed } from './check-machine.js';
import { decideDestroy } from './destroy/decide-destroy.js';
import { checkDiskChange, decideDetach } from './disks/decide-disks.js';
import type { MachineFacts } from './machine-facts.store.js';
import type { MachineRecord } from './machine.reads.store.js';
import { checkLeave } from './migrate/decide-migrate.js';
import { decideStart, decideStop } from './power/decide-power.js';
import { decideReconcile } from './reconcile/decide-reconcile.js';
import { decideResize } from './resize/decide-resize.js';

/** The contract's ActionAvailability. */
export type Availability = { action: string; enabled: boolean; code: UserErrorCode | null; reason: string | null };

/** One action: who may ask for it, and what is in the way; asked with the input that is refused last. */
type Asked = { action: string; role: Needed['role']; check: (facts: MachineFacts) => Refusal | null };

const LATER_ON_VOLUMES = ['REVERT_VOLUME', 'MIGRATE_VOLUME', 'CREATE_TEMPLATE'];

const NO_PLAN = { planHash: null, idempotencyKey: null };

const ON_MACHINES: readonly Asked[] = [
  {
    action: 'CREATE_VM_SNAPSHOT',
    role: 'OPERATOR',
    check: (facts) => {
      const request = { ...NO_PLAN, name: null, description: null, kind: 'DISK' as const, quiesce: false, volumeIds: null };
      return refusalOf(decideCreate({ ...request, virtualMachineId: facts.machine.id }, facts));
    },
  },
  { action: 'START', role: 'OPERATOR', check: (facts) => refusalOf(decideStart(facts)) },
  { action: 'STOP', role: 'OPERATOR', check: (facts) => refusalOf(decideStop(facts, true)) },
  { action: 'MIGRATE', role: 'ADMIN', check: checkLeave },
  {
    action: 'RESIZE',
    role: 'OWNER',
    check: (facts) =>
      refusalOf(decideResize({ ...NO_PLAN, planHash: null, virtualMachineId: facts.machine.id, vcpus: 1, memoryBytes: null }, facts)),
  },
  { action: 'ATTACH_VOLUME', role: 'OWNER', check: checkDiskChange },
  { action: 'DETACH_VOLUME', role: 'OWNER', check: checkDiskChange },
  { action: 'DESTROY', role: 'OWNER', check: (facts) => refusalOf(decideDestroy(facts)) },
];

/** Of a machine, for this caller. */
export async function actionsOfMachine(context: GraphQLContext, machine: MachineRecord): Promise<Availability[]> {
  const facts = await context.loaders.machineFacts.load(machine.id);
  const asked = ON_MACHINES.map((one) => ask(context.principal, facts, one));
  return [...asked, reconcileAvailability(context.principal, facts)];
}

/** Either way of reconciling that would be accepted makes it available; an ADMIN has both. */
function reconcileAvailability(principal: Principal, facts: MachineFacts | null): Availability {
  const ways = [
    { action: 'RECONCILE', role: 'OWNER' as const, check: (known: MachineFacts) => refusalOf(decideReconcile('ADOPT', known)) },
    { action: 'RECONCILE', role: 'ADMIN' as const, check: (known: MachineFacts) => refusalOf(decideReconcile('REPAIR', known)) },
  ].map((way) => ask(principal, facts, way));
  return ways.find((way) => way.enabled) ?? ways[0] ?? notYet('RECONCILE');
}

/** Of a volume, for this caller: attached ones are asked of their machine, detached ones of any machine that the caller will name. */
export async function actionsOfVolume(
  context: GraphQLContext,
  volume: { id: string; projectId: string | null; virtualMachineId: string | null },
): Promise<Availability[]> {
  const { principal } = context;
  const later = LATER_ON_VOLUMES.map(notYet);
  if (volume.virtualMachineId === null) {
    const attach = refusalFor(principal, { projectId: volume.projectId, what: 'The volume', path: [] }, 'OWNER');
    const detach: Refusal = { code: 'MACHINE_STATE', message: 'The volume is attached to no machine.' };
    return [
      availability('ATTACH_VOLUME', attach),
      availability('DETACH_VOLUME', detach),
      availability('CREATE_VOLUME_SNAPSHOT', detach),
      ...later,
    ];
  }
  const facts = await context.loaders.machineFacts.load(volume.virtualMachineId);
  const attached: Refusal = { code: 'MACHINE_STATE', message: 'The volume is attached to a machine. Detach it there first.' };
  const detach = { action: 'DETACH_VOLUME', role: 'OWNER' as const };
  return [
    availability('ATTACH_VOLUME', attached),
    ask(principal, facts, { ...detach, check: (known) => refusalOf(decideDetach(volume.id, known)) }),
    volumeSnapshotAvailability(principal, facts, { volumeId: volume.id, vmSnapshotId: null }),
    ...later,
  ];
}

/** Of a volume's present content, or of what a VM snapshot holds of it. */
export function volumeSnapshotAvailability(
  principal: Principal,
  facts: MachineFacts | null,
  of: { volumeId: string; vmSnapshotId: string | null },
): Availability {
  const request = { ...of, name: null, kind: null, location: null, quiesce: false, idempotencyKey: null };
  const check = (known: MachineFacts) => refusalOf(decideCreateVolumeSnapshot(request, known));
  return ask(principal, facts, { action: 'CREATE_VOLUME_SNAPSHOT', role: 'OPERATOR', check });
}

function ask(principal: Principal, facts: MachineFacts | null, { action, role, check }: Asked): Availability {
  if (principal.isAdmin && facts?.machine.projectId === null) {
    return availability(action, { code: 'MACHINE_STATE', message: 'The machine belongs to no project yet. Assign it to one first.' });
  }
  const access = checkAccess(principal, facts, { role, what: 'This', path: [] });
  if (!access.ok || !facts) return availability(action, refusalOf(access));
  return availability(action, check(facts));
}

function refusalOf(outcome: Outcome<unknown>): Refusal | null {
  return outcome.ok ? null : outcome.refusals[0];
}

/** An action that this version does not have. */
export function notYet(action: string): Availability {
  return availability(action, { code: 'CAPABILITY_DISABLED', message: 'This version of Coppice cannot do this yet.' });
}

/** An action, allowed or refused. */
export function availability(action: string, refusal: Refusal | null | undefined): Availability {
  return { action, enabled: !refusal, code: refusal?.code ?? null, reason: refusal?.message ?? null };
}
