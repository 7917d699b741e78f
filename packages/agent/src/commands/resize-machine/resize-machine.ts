/**
 * resize-machine: vCPUs and memory of the persistent definition, all of them from the next start on. A machine that runs is not touched. Must
 * never leave a managed save image behind that would bring the old shape back.
 */
import type { CommandResult } from '@coppice/protocol';
import { readDefinition, withSources } from '../../definition/domain-xml.js';
import { machineDefinitionOf } from '../../definition/machine-definition.js';
import { reshaped, ShapeProblem } from '../../definition/reshape.js';
import { CommandProblem } from '../../failure.js';
import { type CommandContext, told } from '../context.js';
import { type MachineView, viewMachine } from '../machine-view.js';
import { requireNoManagedSave } from '../require-no-managed-save.js';

type Body = Extract<CommandContext['command']['body'], { verb: 'resize-machine' }>;

/** One define; a definition that has the shape already is not defined again. */
export async function resizeMachine(body: Body, context: CommandContext): Promise<CommandResult> {
  const view = await viewMachine(context.hypervisor, body.machineUuid);
  requireNoManagedSave(view);
  const wanted = wantedXml(body, view);
  if (wanted !== withSources(view.inactiveXml, new Map())) {
    context.crash('resize-machine/before-define');
    await told(context, 'SAVE_DEFINITION', () => context.hypervisor.define(wanted));
    context.crash('resize-machine/after-define');
  }
  const { inactiveXml, facts } = await viewMachine(context.hypervisor, body.machineUuid);
  const { vcpus, memoryBytes } = readDefinition(inactiveXml);
  return {
    verb: 'resize-machine',
    definition: { ...machineDefinitionOf({ inactiveXml, liveXml: facts.migratableXml }), vcpus, memoryBytes },
  };
}

function wantedXml({ vcpus, memoryBytes }: Body, { inactiveXml, facts }: MachineView): string {
  try {
    return reshaped(withSources(inactiveXml, new Map()), { vcpus, memoryBytes });
  } catch (error) {
    if (!(error instanceof ShapeProblem)) throw error;
    throw new CommandProblem({
      code: 'CAPABILITY_DISABLED',
      message: `Machine ${facts.uuid} cannot be resized: ${error.message}. Nothing was changed.`,
      hint: 'Change its definition on the host (virsh edit), then let the machine be reconciled.',
    });
  }
}
