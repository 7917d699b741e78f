import { z } from 'zod';
import { done, refused } from '../../errors/refusal.js';
import { resourceOf } from '../../operations/claim.store.js';
import type { OperationPlan } from '../../operations/operation.store.js';
import type { OperationWork } from '../../operations/operation-work.js';
import type { Stage } from '../../operations/program.js';
import type { Retrier } from '../../operations/retry-operation.js';
import type { Starter, Starting } from '../../operations/start-operation.store.js';
import { checkAccess } from '../check-machine.js';
import type { MachineRequest } from '../machine-changes.contract.js';
import { PLAIN_WORK } from '../plain-work.js';
import { decideDestroy, type DestroyDecision, type DiscardedLayer } from './decide-destroy.js';
import { namedVolume } from '../layer-names.js';
import { discardedLayers, letGo } from './destroy-work.store.js';

/** The mutation's name. */
const DESTROY = 'destroyVirtualMachine';

/** Bounds of discard-layers (packages/protocol): layers and files of snapshots that one command names. */
const LAYERS_PER_COMMAND = 256;
const FILES_PER_COMMAND = 1024;

/** What an operation destroyVirtualMachine keeps. `discards`: ids of the layers that each stage after the first discards. */
const destroyRecord = z.object({
  handedOver: z.array(z.object({ layerId: z.uuid(), volumeId: z.uuid() })),
  discards: z.array(z.array(z.uuid())),
});
export type DestroyRecord = z.infer<typeof destroyRecord>;

/** How destroyVirtualMachine starts. */
export const destroyStarter: Starter<MachineRequest, DestroyDecision> = {
  kind: DESTROY,
  subjectType: 'VIRTUAL_MACHINE',
  machineState: null,
  access: (principal, facts) => checkAccess(principal, facts, { role: 'OWNER', what: 'Destroying a machine', path: ['virtualMachineId'] }),
  decide: (_principal, _request, facts) => decideDestroy(facts),
  resources: (decision, machineId) => [resourceOf.machine(machineId), ...decision.files],
  subjectName: (_decision, facts) => facts.machine.name,
  async write(starting) {
    const layers = [...(await leftOvers(starting)), ...starting.decision.layers];
    return planOf(starting, layers);
  },
};

/** Files of operations that failed long ago, or may never have been files: they go first, since nothing reads them. */
async function leftOvers({ transaction, facts }: Starting<MachineRequest, DestroyDecision>): Promise<DiscardedLayer[]> {
  const rows = await transaction.layer.findMany({
    where: { volume: { virtualMachineId: facts.machine.id }, state: { in: ['PLANNED', 'DISCARDING'] } },
    include: { volume: { include: { pool: true } } },
    orderBy: { id: 'desc' },
  });
  return rows.map(({ id, fileName, volumeId, volume }) => {
    return { layerId: id, volumeId: namedVolume({ fileName, volumeId }), pool: volume.pool.name, fileName };
  });
}

/** The machine first; its files only once the record says that nobody reads them. */
function planOf({ facts, decision }: Starting<MachineRequest, DestroyDecision>, layers: DiscardedLayer[]): OperationPlan {
  const machineUuid = facts.machine.domainUuid;
  const { handedOver } = decision.plan;
  const steps: OperationPlan['steps'][number][] = [
    { kind: 'STOP_MACHINE', description: 'Stop the machine and take its definition from the host.', volumeId: null },
    ...handedOver.map(({ volumeId }) => ({
      kind: 'KEEP_SHARED_LAYER',
      description: 'Leave a layer to the volume that reads it.',
      volumeId,
    })),
  ];
  const program: Stage[] = [
    { phase: 'Removing the machine', steps: steps.map((_, position) => position), body: { verb: 'remove-machine', machineUuid } },
  ];
  const discards: string[][] = [];
  const files = decision.snapshotFiles;
  for (let at = 0; at * LAYERS_PER_COMMAND < layers.length || at * FILES_PER_COMMAND < files.length; at += 1) {
    const batch = layers.slice(at * LAYERS_PER_COMMAND, (at + 1) * LAYERS_PER_COMMAND);
    const snapshotFiles = files.slice(at * FILES_PER_COMMAND, (at + 1) * FILES_PER_COMMAND);
    const named = batch.map(({ volumeId, pool, fileName }) => ({ volumeId, pool, fileName }));
    steps.push({ kind: 'DISCARD_LAYER', description: `Discard ${batch.length} layers and ${snapshotFiles.length} files.`, volumeId: null });
    const body = { verb: 'discard-layers' as const, machineUuid, layers: named, snapshotFiles };
    program.push({ phase: 'Discarding its files', steps: [steps.length - 1], body });
    discards.push(batch.map(({ layerId }) => layerId));
  }
  return { planHash: null, record: { handedOver, discards }, steps, program };
}

/** What becomes of the machine, its snapshots and its layers. */
export const destroyWork: OperationWork = {
  ...PLAIN_WORK,
  kind: DESTROY,
  async advanced(turn, { index, result }) {
    const record = destroyRecord.parse(turn.operation.record);
    if (result.verb === 'remove-machine') await letGo(turn, record);
    else if (result.verb === 'discard-layers') await discardedLayers(turn, record.discards[index - 1] ?? []);
    else throw new Error(`operation ${turn.operation.id} destroys a machine and was answered ${result.verb}`);
    return { kind: 'next' };
  },
};

/** Files that could not be discarded: the machine is gone, nothing reads them, and the same commands go on where they stopped. */
export const destroyRetrier: Retrier = {
  kind: DESTROY,
  again(_record, { machine }) {
    if (machine.state !== 'DESTROYED') {
      return refused({
        code: 'MACHINE_STATE',
        message: 'The machine is still there: ask for it to be destroyed again.',
        path: ['operationId'],
      });
    }
    return done({ resources: [resourceOf.machine(machine.id)], write: async () => 'SAME_PROGRAM' });
  },
};
