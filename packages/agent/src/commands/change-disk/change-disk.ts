/**
 * change-disk: attaches a volume's head as a virtio disk, or detaches a disk, live and persistently. Must never touch a disk's file, nor attach
 * one that another disk or process has. Either half that is done already is not done again, so a repeat completes what was interrupted.
 */
import type { CommandResult } from '@coppice/protocol';
import type { Definition } from '../../definition/domain-xml.js';
import { machineDefinitionOf } from '../../definition/machine-definition.js';
import { CommandProblem } from '../../failure.js';
import type { ChangedDefinitions } from '../../hypervisor/machine-port.js';
import type { CommandContext } from '../context.js';
import { fileOfDisk } from '../expected-chain.js';
import { type ExpectedDisk, expectDisks } from '../expected-disks.js';
import { drifted, type MachineView, viewMachine } from '../machine-view.js';
import { requireNoManagedSave } from '../require-no-managed-save.js';
import { attachDisk } from './attach-disk.js';
import { detachDisk } from './detach-disk.js';

type Body = Extract<CommandContext['command']['body'], { verb: 'change-disk' }>;

/** A change with what it is made to. `missing`: definitions that are not yet as asked. */
export interface DiskChange {
  readonly volumeId: string;
  readonly disk: ExpectedDisk;
  readonly headPath: string;
  readonly view: MachineView;
  readonly missing: ChangedDefinitions;
}

/** See the file's head. Throws MACHINE_DRIFTED if another file is at that target. */
export async function changeDisk(body: Body, context: CommandContext): Promise<CommandResult> {
  const [disk] = await expectDisks(context.pools, [body]);
  const head = disk?.chain[0];
  if (disk === undefined || head === undefined) throw new Error('a disk without a chain');
  const view = await viewMachine(context.hypervisor, body.machineUuid);
  requireNoManagedSave(view);
  const change: DiskChange = { volumeId: body.volumeId, disk, headPath: head.path, view, missing: await missingOf(body, view, head.path) };
  if (change.missing.live || change.missing.persistent) {
    requireSettled(view);
    if (body.change === 'ATTACH') await attachDisk(change, context);
    else await detachDisk(change, context);
  }
  const after = await viewMachine(context.hypervisor, body.machineUuid);
  const left = await missingOf(body, after, head.path);
  if (left.live || left.persistent) throw drifted(`Disk ${body.target} of machine ${body.machineUuid} is not as it was changed.`);
  context.crash('change-disk/before-finished-record');
  return { verb: 'change-disk', definition: machineDefinitionOf({ inactiveXml: after.inactiveXml, liveXml: after.facts.migratableXml }) };
}

/** Which definitions are not as asked. */
async function missingOf(
  { change, target }: Body,
  { facts, inForce, inactive }: MachineView,
  headPath: string,
): Promise<ChangedDefinitions> {
  const differs = async (definition: Definition) => (await hasDisk(definition, target, headPath)) !== (change === 'ATTACH');
  return { live: facts.liveXml !== null && (await differs(inForce)), persistent: await differs(inactive) };
}

async function hasDisk(definition: Definition, target: string, headPath: string): Promise<boolean> {
  if (!definition.disks.some((disk) => disk.target === target)) return false;
  const file = await fileOfDisk(definition, target);
  if (file === headPath) return true;
  throw drifted(`Disk ${target} is on ${file ?? 'no file'}, not on ${headPath}.`);
}

function requireSettled({ facts }: MachineView): void {
  if (facts.power !== 'UNKNOWN') return;
  throw new CommandProblem({
    code: 'MACHINE_STATE',
    retryable: true,
    message: `Machine ${facts.uuid} is between two states. Nothing was changed.`,
    hint: 'Try again when it has settled.',
  });
}
