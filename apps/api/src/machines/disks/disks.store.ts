import { diskTarget } from '@coppice/protocol';
import { z } from 'zod';
import { insertTransitions } from '../../events/transition.store.js';
import { resourceOf } from '../../operations/claim.store.js';
import type { OperationPlan } from '../../operations/operation.store.js';
import type { OperationWork, Turn } from '../../operations/operation-work.js';
import type { Starter, Starting } from '../../operations/start-operation.store.js';
import type { Reader } from '../../platform/database.js';
import { checkAccess } from '../check-machine.js';
import type { AttachRequest } from '../machine-changes.contract.js';
import { PLAIN_WORK } from '../plain-work.js';
import { decideAttach, decideDetach, type DiskDecision } from './decide-disks.js';

/** The mutations' names. */
const ATTACH = 'attachVolume';
const DETACH = 'detachVolume';

/** What an operation keeps. */
const diskRecord = z.object({ change: z.enum(['ATTACH', 'DETACH']), volumeId: z.uuid(), target: diskTarget });

/** How attachVolume starts. */
export const attachStarter: Starter<AttachRequest, DiskDecision> = {
  kind: ATTACH,
  subjectType: 'VOLUME',
  machineState: null,
  alsoRead: ({ volumeId }) => ({ volumeIds: [volumeId] }),
  access: (principal, facts) => checkAccess(principal, facts, { role: 'OWNER', what: 'Attaching a volume', path: ['virtualMachineId'] }),
  decide: (_principal, { volumeId }, facts) => decideAttach(volumeId, facts),
  resources: (decision, machineId) => [resourceOf.machine(machineId), ...decision.files],
  subjectName: (decision) => decision.name,
  write: async (starting) => planOf('ATTACH', starting),
};

/** How detachVolume starts. */
export const detachStarter: Starter<AttachRequest, DiskDecision> = {
  ...attachStarter,
  kind: DETACH,
  access: (principal, facts) => checkAccess(principal, facts, { role: 'OWNER', what: 'Detaching a volume', path: ['volumeId'] }),
  decide: (_principal, { volumeId }, facts) => decideDetach(volumeId, facts),
  write: async (starting) => planOf('DETACH', starting),
};

function planOf(change: 'ATTACH' | 'DETACH', { decision, facts }: Starting<AttachRequest, DiskDecision>): OperationPlan {
  const { volumeId, target, chain } = decision;
  const machineUuid = facts.machine.domainUuid;
  const isAttach = change === 'ATTACH';
  const description = isAttach ? `Attach the volume as ${target}.` : `Detach ${target}; its files stay.`;
  return {
    planHash: null,
    record: { change, volumeId, target },
    steps: [{ kind: isAttach ? 'SAVE_DEFINITION' : 'DETACH_VOLUME', description, volumeId }],
    program: [
      {
        phase: isAttach ? 'Attaching the volume' : 'Detaching the volume',
        steps: [0],
        body: { verb: 'change-disk', machineUuid, change, volumeId, target, chain },
      },
    ],
  };
}

/** The works of both: the volume has the machine and the target, or has them no more. */
export const diskWorks: OperationWork[] = [ATTACH, DETACH].map((kind) => ({
  ...PLAIN_WORK,
  kind,
  async advanced(turn, { result }) {
    if (result.verb !== 'change-disk') throw new Error(`operation ${turn.operation.id} changes a disk and was answered ${result.verb}`);
    await record(turn);
    return { kind: 'next' };
  },
}));

async function record({ transaction, machine, operation }: Turn): Promise<void> {
  const { change, volumeId, target } = diskRecord.parse(operation.record);
  const isAttach = change === 'ATTACH';
  const data = isAttach ? { virtualMachineId: machine.id, target } : { virtualMachineId: null, target: null };
  const { projectId } = await transaction.volume.update({ where: { id: volumeId }, data, select: { projectId: true } });
  await insertTransitions(transaction, [
    {
      projectId,
      virtualMachineId: machine.id,
      subjectType: 'VOLUME',
      subjectId: volumeId,
      from: isAttach ? 'DETACHED' : 'ATTACHED',
      to: isAttach ? 'ATTACHED' : 'DETACHED',
      event: isAttach ? 'attach' : 'detach',
      reason: target,
      actor: operation.actor,
      operationId: operation.id,
      treeChanges: [],
    },
  ]);
}

/**
 * The machine that a detach is about: the one that has the volume; where none has it any more, the one that it was last detached from, so
 * that a request that is repeated under its key finds its operation. Null where there is neither.
 */
export async function machineToDetachFrom(reader: Reader, volumeId: string): Promise<string | null> {
  const volume = await reader.volume.findUnique({ where: { id: volumeId }, select: { virtualMachineId: true } });
  if (volume?.virtualMachineId) return volume.virtualMachineId;
  const last = await reader.operation.findFirst({
    where: { kind: DETACH, subjectId: volumeId },
    select: { virtualMachineId: true },
    orderBy: { id: 'desc' },
  });
  return last?.virtualMachineId ?? null;
}
