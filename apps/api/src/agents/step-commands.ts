/** The one place where steps of plans become commands of the protocol. Old agents keep working because it is exhaustive here. */
import type { CommandBody, CommandVerb } from '@coppice/protocol';
import type { WorkStep } from '../operations/operation-work.js';
import { assertNever } from '../platform/assert-never.js';
import { type CreateRecord, createRecord } from '../vm-snapshots/create/create-record.js';

/** Time that a guest may be frozen at most, in milliseconds: what Windows' VSS allows; databases on Linux endure it. */
const QUIESCE_DEADLINE_MS = 10_000;

/** The verb that carries out a step, and the steps that it carries out with it. */
function verbOfStep(step: WorkStep): CommandVerb {
  switch (step) {
    case 'CREATE_LAYER':
      return 'create-layers';
    case 'QUIESCE_GUEST':
    case 'FREEZE_LAYER':
    case 'THAW_GUEST':
    case 'SAVE_DEFINITION':
    case 'VERIFY_CHAIN':
      return 'freeze-layers';
    case 'DISCARD_LAYER':
      return 'discard-layers';
    default:
      return assertNever(step);
  }
}

/** Kinds of steps that a command of this verb carries out. */
export function stepsOfVerb(verb: CommandVerb): WorkStep[] {
  switch (verb) {
    case 'create-layers':
      return ['CREATE_LAYER'];
    case 'freeze-layers':
      return ['QUIESCE_GUEST', 'FREEZE_LAYER', 'THAW_GUEST', 'SAVE_DEFINITION', 'VERIFY_CHAIN'];
    case 'discard-layers':
      return ['DISCARD_LAYER'];
    default:
      return assertNever(verb);
  }
}

/** The command for a step of an operation whose recorded plan this is. Throws where the plan is not of a kind that has such steps. */
export function commandForStep(step: WorkStep, plan: unknown): CommandBody {
  const record = createRecord.parse(plan);
  const verb = verbOfStep(step);
  switch (verb) {
    case 'create-layers':
      return {
        verb,
        machineUuid: record.machineUuid,
        volumes: record.volumes.map((volume) => ({ ...namesOf(volume), virtualBytes: volume.virtualBytes })),
      };
    case 'freeze-layers':
      return {
        verb,
        machineUuid: record.machineUuid,
        power: record.power,
        quiesce: record.quiesce ? { deadlineMs: QUIESCE_DEADLINE_MS } : null,
        volumes: record.volumes.map(namesOf),
      };
    case 'discard-layers':
      return {
        verb,
        machineUuid: record.machineUuid,
        layers: record.volumes.map((volume) => ({ volumeId: volume.volumeId, pool: volume.pool, fileName: volume.newFileName })),
      };
    default:
      return assertNever(verb);
  }
}

function namesOf(volume: CreateRecord['volumes'][number]) {
  const { volumeId, target, pool, newFileName, chain } = volume;
  return { volumeId, target, pool, newFileName, chain };
}
