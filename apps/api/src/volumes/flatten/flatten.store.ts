import type { CommandBody, CommandResult } from '@coppice/protocol';
import { LayerForest } from '@coppice/snapshot-tree';
import { checkAccess } from '../../machines/check-machine.js';
import { namedVolume } from '../../machines/layer-names.js';
import { linkOf, type MachineFacts, poolNameOf } from '../../machines/machine-facts.store.js';
import { resourceOf } from '../../operations/claim.store.js';
import type { OperationPlan } from '../../operations/operation.store.js';
import type { Turn } from '../../operations/operation-work.js';
import type { Stage } from '../../operations/program.js';
import type { Starter } from '../../operations/start-operation.store.js';
import type { Reader } from '../../platform/database.js';
import { moveLayers } from '../volume.store.js';
import { decideFlatten, type FlattenAsked, type FlattenDecision } from './decide-flatten.js';
import { FLATTEN_VOLUME, type FlattenRecord } from './flatten-record.js';

type FlattenRequest = FlattenAsked & { virtualMachineId: string; planHash: null; idempotencyKey: string | null };

/** How flattenVolume starts. */
export const flattenStarter: Starter<FlattenRequest, FlattenDecision> = {
  kind: FLATTEN_VOLUME,
  subjectType: 'VOLUME',
  machineState: null,
  access: (principal, facts) => checkAccess(principal, facts, { role: 'OWNER', what: 'Flattening a volume', path: ['volumeId'] }),
  decide: (_principal, request, facts) => decideFlatten(request, facts),
  resources: (decision, machineId) => [resourceOf.machine(machineId), ...resourcesOf(decision)],
  subjectName: (decision, facts) => volumeOf(decision, facts).name,
  write: async ({ request, decision, facts }) => flattenPlan(request, decision, facts),
};

/** The volume and its forest: what is copied is read by others, who must not merge it meanwhile. */
export function resourcesOf({ plan }: FlattenDecision): string[] {
  const volumeIds = plan.plan.steps.flatMap((step) => step.volumeId ?? []);
  return [...new Set(volumeIds.flatMap((id) => [resourceOf.volume(id), resourceOf.layerForest(id)]))];
}

function volumeOf({ plan }: FlattenDecision, facts: MachineFacts) {
  const head = facts.heads.find((one) => one.headLayerId === plan.layerId);
  const volume = facts.volumes.find((one) => one.id === head?.volumeId);
  if (!volume?.target) throw new Error(`layer ${plan.layerId} is to be flattened and is no head of machine ${facts.machine.id}`);
  return { ...volume, target: volume.target };
}

/** Record, commands and steps of a decision. */
export function flattenPlan({ volumeId, keepTemplate }: FlattenAsked, decision: FlattenDecision, facts: MachineFacts): OperationPlan {
  const { plan, hash } = decision;
  const forest = new LayerForest(facts.layers);
  const chain = forest.chainOf(plan.layerId);
  const kept = chain.findIndex((layer) => layer.id === plan.keptBackingId);
  const garbage = plan.discards.map((id) => {
    const layer = forest.layer(id);
    return { layerId: id, volumeId: layer.volumeId, pool: poolNameOf(facts, layer.volumeId), fileName: layer.fileName };
  });
  const body: CommandBody = {
    verb: 'flatten-layer',
    machineUuid: facts.machine.domainUuid,
    volumeId,
    target: volumeOf(decision, facts).target,
    chain: chain.map((layer) => linkOf(facts, layer)),
    downTo: kept < 0 ? chain.length : kept,
    bytesPerSecond: null,
  };
  const { steps } = plan.plan;
  const positions = (isDiscard: boolean) => steps.flatMap(({ kind }, at) => ((kind === 'DISCARD_LAYER') === isDiscard ? [at] : []));
  const program: Stage[] = [{ phase: 'Copying into the head', steps: positions(false), body }];
  if (garbage.length > 0) program.push({ phase: 'Removing files', steps: positions(true), body: discardBody(facts, garbage) });
  const record: FlattenRecord = { volumeId, keepTemplate, layerId: plan.layerId, keptBackingId: plan.keptBackingId, garbage };
  return { planHash: hash, record, program, steps };
}

function discardBody(facts: MachineFacts, garbage: FlattenRecord['garbage']): CommandBody {
  const layers = garbage.map(({ volumeId, pool, fileName }) => ({ volumeId: namedVolume({ volumeId, fileName }), pool, fileName }));
  return { verb: 'discard-layers', machineUuid: facts.machine.domainUuid, layers, snapshotFiles: [] };
}

/** The head reads nothing of what was copied any more; what only it read is garbage. */
export async function flattened(
  turn: Turn,
  record: FlattenRecord,
  result: Extract<CommandResult, { verb: 'flatten-layer' }>,
): Promise<void> {
  await turn.transaction.layer.update({
    where: { id: record.layerId },
    data: { backingLayerId: record.keptBackingId, allocatedBytes: BigInt(result.allocatedBytes), dataMap: null, measuredAt: null },
  });
  await moveLayers(turn.transaction, idsOf(record), { from: 'PRESENT', to: 'DISCARDING' });
}

/** The host said that the files are gone. */
export async function discarded(turn: Turn, record: FlattenRecord): Promise<void> {
  await moveLayers(turn.transaction, idsOf(record), { from: 'DISCARDING', to: 'DISCARDED' });
}

function idsOf(record: FlattenRecord): string[] {
  return record.garbage.map((layer) => layer.layerId);
}

/** Where a volume is: its project, and the machine that has it; null where there is no such volume. */
export async function placeOfVolume(
  reader: Reader,
  volumeId: string,
): Promise<{ projectId: string | null; virtualMachineId: string | null } | null> {
  return reader.volume.findUnique({ where: { id: volumeId }, select: { projectId: true, virtualMachineId: true } });
}
