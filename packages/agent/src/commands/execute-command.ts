import type { CommandResult } from '@coppice/protocol';
import { assertNever } from '../assert-never.js';
import { changeDisk } from './change-disk/change-disk.js';
import { changePower } from './change-power/change-power.js';
import type { CommandContext } from './context.js';
import { copyLayer } from './copy-layer/copy-layer.js';
import { createLayers } from './create-layers/create-layers.js';
import { defineMachine } from './define-machine/define-machine.js';
import { discardLayers } from './discard-layers/discard-layers.js';
import { flattenLayer } from './flatten-layer/flatten-layer.js';
import { freezeLayers } from './freeze-layers/freeze-layers.js';
import { migrateMachine } from './migrate-machine/migrate-machine.js';
import { removeMachine } from './remove-machine/remove-machine.js';
import { repairMachine } from './repair-machine/repair-machine.js';
import { resizeMachine } from './resize-machine/resize-machine.js';
import { switchHeads } from './switch-heads/switch-heads.js';
import { mergeLayers } from './merge-layers/merge-layers.js';
import { untilSettled } from './until-settled.js';

/** Does one command to its end. Throws CommandProblem for what cannot be done, HypervisorLost where it has to be called again. */
export async function executeCommand(context: CommandContext): Promise<CommandResult> {
  const { body } = context.command;
  if (context.isRepeat) await untilSettled(context);
  switch (body.verb) {
    case 'create-layers':
      return createLayers(body, context);
    case 'freeze-layers':
      return freezeLayers(body, context);
    case 'switch-heads':
      return switchHeads(body, context);
    case 'merge-layers':
      return mergeLayers(body, context);
    case 'flatten-layer':
      return flattenLayer(body, context);
    case 'copy-layer':
      return copyLayer(body, context);
    case 'discard-layers':
      return discardLayers(body, context);
    case 'change-power':
      return changePower(body, context);
    case 'resize-machine':
      return resizeMachine(body, context);
    case 'change-disk':
      return changeDisk(body, context);
    case 'remove-machine':
      return removeMachine(body, context);
    case 'migrate-machine':
      return migrateMachine(body, context);
    case 'repair-machine':
      return repairMachine(body, context);
    case 'define-machine':
      return defineMachine(body, context);
    default:
      return assertNever(body);
  }
}
