import { type CommandResult, poolName, snapshotFileName } from '@coppice/protocol';
import { z } from 'zod';
import { done, refused } from '../../errors/refusal.js';
import { insertTransitions } from '../../events/transition.store.js';
import { resourceOf } from '../../operations/claim.store.js';
import type { OperationPlan } from '../../operations/operation.store.js';
import type { OperationWork, Turn } from '../../operations/operation-work.js';
import type { Stage } from '../../operations/program.js';
import type { Retrier } from '../../operations/retry-operation.js';
import type { Starter } from '../../operations/start-operation.store.js';
import { checkAccess, checkDrift, checkFree, checkHost } from '../check-machine.js';
import type { ResizeRequest } from '../machine-changes.contract.js';
import { numberTreeChanges } from '../machine.store.js';
import { PLAIN_WORK } from '../plain-work.js';
import { decideResize, type ResizeDecision } from './decide-resize.js';

/** The mutation's name. */
const RESIZE = 'resizeVirtualMachine';

const resizeRecord = z.object({
  memory: z.array(z.object({ snapshotId: z.uuid(), name: z.string(), pool: poolName, fileName: snapshotFileName })),
});
type ResizeRecord = z.infer<typeof resizeRecord>;

/** How resizeVirtualMachine starts. */
export const resizeStarter: Starter<ResizeRequest, ResizeDecision> = {
  kind: RESIZE,
  subjectType: 'VIRTUAL_MACHINE',
  machineState: null,
  access: (principal, facts) => checkAccess(principal, facts, { role: 'OWNER', what: 'Resizing a machine', path: ['virtualMachineId'] }),
  decide: (_principal, request, facts) => decideResize(request, facts),
  resources: (_decision, machineId) => [resourceOf.machine(machineId)],
  subjectName: (_decision, facts) => facts.machine.name,
  async write({ decision, facts }) {
    return planOf(decision, facts.machine.domainUuid);
  },
};

/** The definition first; the images only once the record says that nobody needs them. */
function planOf({ vcpus, memoryBytes, memory }: ResizeDecision, machineUuid: string): OperationPlan {
  const steps = [
    { kind: 'SAVE_DEFINITION', description: 'Change the size in the machine’s definition.', volumeId: null },
    ...memory.map(({ name }) => ({
      kind: 'DISCARD_MEMORY',
      description: `Discard the memory image of “${name}”; its disks stay.`,
      volumeId: null,
    })),
  ];
  const program: Stage[] = [
    { phase: 'Changing the definition', steps: [0], body: { verb: 'resize-machine', machineUuid, vcpus, memoryBytes } },
  ];
  if (memory.length > 0) {
    const snapshotFiles = memory.map(({ pool, fileName }) => ({ pool, fileName }));
    const body = { verb: 'discard-layers' as const, machineUuid, layers: [], snapshotFiles };
    program.push({ phase: 'Discarding memory images', steps: memory.map((_, index) => index + 1), body });
  }
  return { planHash: null, record: { memory }, steps, program };
}

/** What becomes of the machine and its memory snapshots. */
export const resizeWork: OperationWork = {
  ...PLAIN_WORK,
  kind: RESIZE,
  async advanced(turn, { result }) {
    const record = resizeRecord.parse(turn.operation.record);
    if (result.verb === 'resize-machine') await resized(turn, { record, result });
    else if (result.verb === 'discard-layers') await forgetImages(turn, record);
    else throw new Error(`operation ${turn.operation.id} resizes a machine and was answered ${result.verb}`);
    return { kind: 'next' };
  },
};

type Resized = { record: ResizeRecord; result: Extract<CommandResult, { verb: 'resize-machine' }> };

/** A running machine has its new size from its next start on, and is shown with the one it has. */
async function resized(turn: Turn, { record, result }: Resized): Promise<void> {
  const { transaction, machine } = turn;
  if (machine.powerState === 'OFF') {
    const { vcpus, memoryBytes } = result.definition;
    await transaction.virtualMachine.update({ where: { id: machine.id }, data: { vcpus, memoryBytes: BigInt(memoryBytes) } });
  }
  for (const { snapshotId } of record.memory) await becomeDisk(turn, snapshotId);
}

/** The disks of a live memory snapshot, without the memory, are what a crash would have left. */
async function becomeDisk({ transaction, machine, operation }: Turn, snapshotId: string): Promise<void> {
  const { state, parentId, projectId } = await transaction.vmSnapshot.update({
    where: { id: snapshotId },
    data: { kind: 'DISK', consistency: 'CRASH' },
    select: { state: true, parentId: true, projectId: true },
  });
  const changed = { kind: 'UPDATED' as const, snapshotId, parentId, currentId: machine.currentSnapshotId };
  await insertTransitions(transaction, [
    {
      projectId,
      virtualMachineId: machine.id,
      subjectType: 'VM_SNAPSHOT',
      subjectId: snapshotId,
      from: state,
      to: state,
      event: 'discard-memory',
      reason: 'The machine was resized, and its memory image fits the old size only. The snapshot is one of disks now.',
      actor: operation.actor,
      operationId: operation.id,
      treeChanges: await numberTreeChanges(transaction, machine.id, [changed]),
    },
  ]);
}

/** The files are gone; until now the record knew of them, so that a delete or a retry would have found them. */
async function forgetImages({ transaction }: Turn, { memory }: ResizeRecord): Promise<void> {
  const ids = memory.map(({ snapshotId }) => snapshotId);
  await transaction.vmSnapshot.updateMany({ where: { id: { in: ids } }, data: { memoryBytes: null } });
  await transaction.vmSnapshot.updateMany({ where: { id: { in: ids }, hasNvram: false }, data: { filePool: null } });
}

/** The size is asked for again, or the images are discarded that could not be: whatever of it is done already is not done twice. */
export const resizeRetrier: Retrier = {
  kind: RESIZE,
  again(_record, facts) {
    const refusal = checkFree(facts) ?? checkDrift(facts) ?? checkHost(facts, []);
    if (refusal) return refused(refusal);
    return done({ resources: [resourceOf.machine(facts.machine.id)], write: async () => 'SAME_PROGRAM' });
  },
};
