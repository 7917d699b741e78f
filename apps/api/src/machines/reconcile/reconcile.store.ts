import { inventoryDisk } from '@coppice/protocol';
import { z } from 'zod';
import { lockHost } from '../../hosts/host.store.js';
import { claim, resourceOf } from '../../operations/claim.store.js';
import type { OperationPlan } from '../../operations/operation.store.js';
import type { OperationWork } from '../../operations/operation-work.js';
import { RolledBack, type Starter, type Starting } from '../../operations/start-operation.store.js';
import type { Transaction } from '../../platform/database.js';
import { busy, checkAccess } from '../check-machine.js';
import type { ReconcileRequest } from '../machine-changes.contract.js';
import type { MachineFacts } from '../machine-facts.store.js';
import { PLAIN_WORK } from '../plain-work.js';
import { adoptDisks } from './adopt-disks.store.js';
import { decideReconcile, type ReconcileDecision } from './decide-reconcile.js';
import { volumesOfFoundDisks } from './known-volumes.store.js';

/** The mutation's name. */
const RECONCILE = 'reconcileVirtualMachine';

const adoptedLayer = z.object({ fileName: z.string(), format: z.string(), virtualBytes: z.int(), allocatedBytes: z.int() });
const reconcileRecord = z.object({
  grown: z.array(z.object({ volumeId: z.uuid(), target: z.string(), layers: z.array(adoptedLayer).min(1) })),
  detached: z.array(z.object({ volumeId: z.uuid(), target: z.string() })),
  /** Detached volumes that the machine turned out to have. */
  attached: z.array(z.object({ volumeId: z.uuid(), target: z.string() })),
  found: z.array(inventoryDisk),
});

/** What an operation reconcileVirtualMachine keeps: nothing is in it for REPAIR. */
export type ReconcileRecord = z.infer<typeof reconcileRecord>;

/** How reconcileVirtualMachine with ADOPT starts: the tenant's own business, since nothing can be lost by it. */
export const adoptStarter: Starter<ReconcileRequest, ReconcileDecision> = {
  kind: RECONCILE,
  subjectType: 'VIRTUAL_MACHINE',
  machineState: null,
  access: (principal, facts) =>
    checkAccess(principal, facts, { role: 'OWNER', what: 'Adopting what a host has', path: ['virtualMachineId'] }),
  decide: (_principal, { action }, facts) => decideReconcile(action, facts),
  resources: (decision, machineId) => [resourceOf.machine(machineId), ...decision.files],
  subjectName: (_decision, facts) => facts.machine.name,
  write: writeReconcile,
};

/** The same with REPAIR, which leaves behind whatever was written on other layers than the recorded ones. */
export const repairStarter: Starter<ReconcileRequest, ReconcileDecision> = {
  ...adoptStarter,
  access: (principal, facts) =>
    checkAccess(principal, facts, { role: 'ADMIN', what: 'Repairing a definition', path: ['virtualMachineId'] }),
};

/** Disks that are not recorded may be those of a detached volume: it is claimed as well, and attached instead of recorded twice. */
async function writeReconcile(starting: Starting<ReconcileRequest, ReconcileDecision>): Promise<OperationPlan> {
  const { transaction, decision, facts, operationId } = starting;
  const { grown, detached } = decision.adoption;
  if (decision.hostId !== null) await recordOn(transaction, facts, decision.hostId);
  const known = await volumesOfFoundDisks(transaction, { machine: facts.machine, disks: decision.adoption.found });
  if (known.refusal) throw new RolledBack(known.refusal);
  const resources = known.attached.flatMap(({ volumeId }) => [resourceOf.volume(volumeId), resourceOf.layerForest(volumeId)]);
  if (!(await claim(transaction, { resources, operationId }))) throw new RolledBack(busy(null));
  const record: ReconcileRecord = { grown, detached, attached: known.attached, found: known.found };
  return planOf(starting, record);
}

/** The host that shows the machine is the one that is asked from here on. It must be one of the cluster, and there. */
async function recordOn(transaction: Transaction, { machine }: MachineFacts, hostId: string): Promise<void> {
  const host = await lockHost(transaction, hostId);
  if (!host || host.clusterId !== machine.host.clusterId) {
    const message = 'The host that has the machine is in another cluster, with other storage, so it cannot be adopted there.';
    throw new RolledBack({ code: 'MACHINE_DRIFTED', message });
  }
  if (host.state !== 'UP') {
    throw new RolledBack({ code: 'HOST_UNAVAILABLE', message: `The host ${host.name}, which has the machine, is ${host.state}.` });
  }
  await transaction.virtualMachine.update({ where: { id: machine.id }, data: { hostId, inventoryPosition: 0n } });
}

function planOf({ decision, facts }: Starting<ReconcileRequest, ReconcileDecision>, record: ReconcileRecord): OperationPlan {
  const { disks, dropLibvirtSnapshots, dropManagedSave, action } = decision;
  const told = (kind: string, description: string, volumeId: string | null = null) => ({ kind, description, volumeId });
  const steps = [
    ...(dropManagedSave ? [told('DISCARD_SAVED_STATE', 'Discard the saved state.')] : []),
    told(
      'RESTORE_DEFINITION',
      action === 'ADOPT' ? 'Check the disks, and put the definition on them.' : 'Put the definition on the recorded disks.',
    ),
    ...record.grown.map(({ volumeId, target, layers }) =>
      told('VERIFY_CHAIN', `Take over ${layers.length} layers of ${target}.`, volumeId),
    ),
    ...record.attached.map(({ volumeId, target }) => told('VERIFY_CHAIN', `Take over ${target}, a volume that was detached.`, volumeId)),
    ...record.found.map(({ target }) => told('VERIFY_CHAIN', `Take over ${target} as a new volume.`)),
    ...record.detached.map(({ volumeId, target }) => told('DETACH_VOLUME', `Detach ${target}; its files stay.`, volumeId)),
  ];
  const machineUuid = facts.machine.domainUuid;
  const body = { verb: 'repair-machine' as const, machineUuid, disks, dropLibvirtSnapshots, dropManagedSave };
  return { planHash: null, record, steps, program: [{ phase: 'Reconciling', steps: steps.map((_, position) => position), body }] };
}

/** The host has checked every chain and put the definition right: the record follows. */
export const reconcileWork: OperationWork = {
  ...PLAIN_WORK,
  kind: RECONCILE,
  async advanced(turn, { result }) {
    if (result.verb !== 'repair-machine') throw new Error(`operation ${turn.operation.id} reconciles and was answered ${result.verb}`);
    await adoptDisks(turn, reconcileRecord.parse(turn.operation.record));
    return { kind: 'next' };
  },
};
