import type { ForestRecord, MachineHead } from '../model/forest-record.js';
import { type Layer, LayerForest, type Pin } from '../model/layer-forest.js';
import type { Deferral, DeferralReason } from './delete-plan.js';
import type { Merge } from './merge.js';
import { type PlanStep, planStep } from './plan.js';

/** Why a merge waits, as a clause that follows what waits. */
const DEFERRAL_WORDS: Readonly<Record<DeferralReason, string>> = {
  OPEN_IN_SEVERAL_MACHINES: 'two running machines have them open, and neither may change them under the other',
  OPEN_IN_ANOTHER_MACHINE: 'another machine runs on them, and only it could merge them before it is stopped',
  CHEAPER_WHEN_STOPPED: 'while the machine runs it would move several times as much as once it is stopped',
  NOT_WHILE_RUNNING: 'there is no safe way while the machine runs',
  AT_REST: 'the head over them is still small, so they rest until the machine stops or the head has grown',
  SIZE_SHRINKS: 'one of them is smaller than the one below it, which only a host can put right',
};

/** The steps of one merge, in the order in which they happen. */
export function mergeSteps(merge: Merge, record: ForestRecord<MachineHead>, doomedPins: readonly Pin[]): PlanStep[] {
  const forest = new LayerForest(record.layers);
  const target = forest.layer(merge.targetId);
  const topId = merge.layerIds.at(-1) ?? merge.targetId;
  const top = forest.layer(topId);
  const on = { volumeId: merge.volumeId, fileName: target.fileName };
  const steps = merge.thickens === null ? [] : thickenSteps(merge, top, merge.thickens);
  if (topId !== merge.targetId) {
    const moves = record.pins.filter((pin) => pin.layerId === topId);
    const goes = doomedPins.filter((pin) => merge.layerIds.includes(pin.layerId));
    const snapshotIds = [...new Set([...moves, ...goes].map((pin) => pin.snapshotId))];
    const said = `Write what is newer than ${target.fileName} into it, up to ${top.fileName}${live(merge)}.`;
    steps.push(planStep('COMMIT_LAYER', said, { ...on, layerId: topId, bytesToMove: merge.commitBytes, snapshotIds }));
  }
  for (const childId of merge.repointIds) {
    const child = forest.layer(childId);
    const parts = { volumeId: child.volumeId, layerId: childId, fileName: child.fileName };
    steps.push(planStep('REBASE_LAYER', `Let ${child.fileName} name ${target.fileName} as the layer below it.`, parts));
  }
  if (merge.layerIds[0] !== merge.targetId) {
    const said = `Copy what ${target.fileName} reads from the layers below it into it${live(merge)}.`;
    steps.push(planStep('PULL_LAYER', said, { ...on, layerId: merge.targetId, bytesToMove: merge.pullBytes }));
  }
  return steps;
}

function live(merge: Merge): string {
  return merge.how === 'LIVE' ? ', while the machine runs' : '';
}

function thickenSteps(merge: Merge, top: Layer, fileName: string): PlanStep[] {
  const parts = { volumeId: merge.volumeId, layerId: top.id, fileName };
  return [
    planStep('CREATE_LAYER', `Make the empty layer ${fileName}.`, parts),
    planStep('FREEZE_LAYER', `Let the machine write on in ${fileName}, so that ${top.fileName} is at rest.`, parts),
  ];
}

/** What stays on disk although no snapshot names it: a step for each, so that people see it. */
export function stayingSteps(forest: LayerForest, staying: { shared: readonly Layer[]; deferred: readonly Deferral[] }): PlanStep[] {
  const kept = staying.shared.map((layer) => {
    const parts = { volumeId: layer.volumeId, layerId: layer.id, fileName: layer.fileName };
    return planStep('KEEP_SHARED_LAYER', `Keep ${layer.fileName}: several branches read it. It is merged once one is left.`, parts);
  });
  const deferred = staying.deferred
    .filter((deferral) => deferral.why !== 'AT_REST')
    .map((deferral) => {
      const layers = deferral.layerIds.map((id) => forest.layer(id));
      const top = layers.at(-1);
      const names = listOf(layers.map((layer) => layer.fileName));
      const parts = { volumeId: top?.volumeId ?? null, layerId: top?.id ?? null, fileName: top?.fileName ?? null };
      return planStep('DEFER_MERGE', `Leave ${names} as they are for now: ${DEFERRAL_WORDS[deferral.why]}.`, parts);
    });
  return [...kept, ...deferred];
}

/** “a, b and c”. */
function listOf(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** The steps at the end, after which nothing more can be read from what went. */
export function discardSteps(layers: readonly Layer[], memoryOf: readonly string[], doomedPins: readonly Pin[]): PlanStep[] {
  const memory = memoryOf.map((id) => planStep('DISCARD_MEMORY', 'Remove the saved memory of a snapshot.', { snapshotIds: [id] }));
  const files = layers.map((layer) => {
    const snapshotIds = [...new Set(doomedPins.filter((pin) => pin.layerId === layer.id).map((pin) => pin.snapshotId))];
    const parts = { volumeId: layer.volumeId, layerId: layer.id, fileName: layer.fileName, snapshotIds };
    return planStep('DISCARD_LAYER', `Remove ${layer.fileName}, which nothing reads any more.`, parts);
  });
  return [...memory, ...files];
}
