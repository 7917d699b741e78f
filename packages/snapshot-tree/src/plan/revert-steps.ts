import { type PlanStep, planStep } from './plan.js';
import type { NewHead, RevertPlan, RevertRequest } from './revert-plan.js';

/** The steps of a revert, in the order in which they happen. */
export function revertSteps(request: RevertRequest, parts: Omit<RevertPlan, 'plan'>): PlanStep[] {
  const { snapshot, forest } = request;
  const safety = parts.safetyPins === null ? [] : [planStep('SAVE_DEFINITION', 'Keep the present state as a snapshot of its own.')];
  const stop = request.power === 'OFF' ? [] : [planStep('STOP_MACHINE', 'Stop the machine at once.')];
  const saved = request.hasManagedSave ? [planStep('DISCARD_SAVED_STATE', 'Remove the saved state of the machine.')] : [];
  const discards = parts.abandoned.map((id) => {
    const { volumeId, fileName } = forest.layer(id);
    return planStep('DISCARD_LAYER', `Remove ${fileName}, which nothing reads any more.`, { volumeId, layerId: id, fileName });
  });
  return [
    ...parts.newHeads.map((head) => headStep('CREATE_LAYER', head, `Make an empty layer over what the snapshot holds of ${nameOf(head)}.`)),
    ...safety,
    ...stop,
    ...saved,
    planStep('RESTORE_DEFINITION', 'Give the machine the definition that the snapshot holds.', { snapshotIds: [snapshot.id] }),
    ...parts.newHeads.map((head) => headStep('SWITCH_HEAD', head, `Let ${nameOf(head)} go on in its new layer.`)),
    ...parts.detaches.map((volumeId) =>
      planStep('DETACH_VOLUME', 'Detach a disk that the snapshot does not know, and keep it.', { volumeId }),
    ),
    ...powerSteps(request),
    planStep('VERIFY_CHAIN', 'Look at every layer on disk and at the definition of the machine.'),
    ...discards,
  ];
}

/** Memory runs on only over heads that are fresh, and these are: a memory snapshot has every disk. */
function powerSteps(request: RevertRequest): PlanStep[] {
  if (request.snapshot.kind === 'DISK_AND_MEMORY') {
    return [planStep('RESTORE_MEMORY', 'Let the guest go on where it was.', { snapshotIds: [request.snapshot.id] })];
  }
  return request.start ? [planStep('START_MACHINE', 'Start the machine.')] : [];
}

function headStep(kind: PlanStep['kind'], head: NewHead, description: string): PlanStep {
  return planStep(kind, description, { volumeId: head.volumeId, layerId: head.overLayerId, fileName: head.newFileName });
}

function nameOf(head: NewHead): string {
  return head.target ?? 'a detached disk';
}
