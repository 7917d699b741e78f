/**
 * repair-machine: puts a drifted machine's definition on the heads that are to be true from now on. Must never stop a machine, change what a
 * running one writes, or remove a disk's file.
 */
import type { CommandResult } from '@coppice/protocol';
import { readDefinition, withSources } from '../../definition/domain-xml.js';
import { machineDefinitionOf } from '../../definition/machine-definition.js';
import { CommandProblem } from '../../failure.js';
import type { MachineFacts } from '../../hypervisor/port.js';
import { type CommandContext, told } from '../context.js';
import { fileOfDisk, requireChain } from '../expected-chain.js';
import { type ExpectedDisk, expectDisks } from '../expected-disks.js';
import { drifted } from '../machine-view.js';

type Body = Extract<CommandContext['command']['body'], { verb: 'repair-machine' }>;

/** Checks everything first; then libvirt's records, the managed save, and one define. */
export async function repairMachine(body: Body, context: CommandContext): Promise<CommandResult> {
  const { hypervisor, pools } = context;
  const { machineUuid, dropLibvirtSnapshots, dropManagedSave } = body;
  const disks = await expectDisks(pools, body.disks);
  const before = await persistentFacts(machineUuid, context);
  for (const { target, chain } of disks) await requireChain(target, chain);
  await requireRunningOn(disks, before);
  const repaired = await repairedXml(disks, before);
  context.crash('repair-machine/before-changes');
  if (dropLibvirtSnapshots) await hypervisor.machines.dropSnapshotRecords(machineUuid);
  context.crash('repair-machine/records-dropped');
  if (dropManagedSave) await told(context, 'DISCARD_SAVED_STATE', () => hypervisor.removeManagedSave(machineUuid));
  if (repaired !== null) await told(context, 'SAVE_DEFINITION', () => hypervisor.define(repaired));
  const { inactiveXml, migratableXml } = await persistentFacts(machineUuid, context);
  context.crash('repair-machine/before-finished-record');
  return { verb: 'repair-machine', definition: machineDefinitionOf({ inactiveXml, liveXml: migratableXml }) };
}

async function persistentFacts(uuid: string, { hypervisor }: CommandContext): Promise<MachineFacts & { inactiveXml: string }> {
  const facts = await hypervisor.describeMachine(uuid);
  const { inactiveXml } = facts;
  if (inactiveXml !== null) return { ...facts, inactiveXml };
  throw new CommandProblem({
    code: 'MACHINE_STATE',
    message: `Machine ${uuid} is transient: it has no definition that could be repaired. Nothing was changed.`,
    hint: 'Define it persistently (virsh define), then try again.',
  });
}

/** What a running machine writes can be changed by a stop alone. */
async function requireRunningOn(disks: readonly ExpectedDisk[], { uuid, liveXml }: MachineFacts): Promise<void> {
  if (liveXml === null) return;
  const live = readDefinition(liveXml);
  for (const { target, chain } of disks) {
    const file = await fileOfDisk(live, target);
    if (file === chain[0]?.path) continue;
    throw new CommandProblem({
      code: 'MACHINE_STATE',
      message: `Machine ${uuid} runs with disk ${target} on ${file ?? 'no file'}, not on ${chain[0]?.path ?? ''}. Nothing was changed.`,
      hint: 'Stop the machine, then reconcile it again.',
    });
  }
}

/** Null if the persistent definition is right as it is: on these heads, and with no chain of its own. */
async function repairedXml(
  disks: readonly ExpectedDisk[],
  { inactiveXml, uuid }: { inactiveXml: string; uuid: string },
): Promise<string | null> {
  const definition = readDefinition(inactiveXml);
  const sources = new Map<string, { path: string; format: string }>();
  for (const { target, chain } of disks) {
    const file = await fileOfDisk(definition, target);
    const head = chain[0];
    if (head === undefined) continue;
    if (file === null) throw drifted(`The persistent definition of machine ${uuid} has no disk ${target} with a file; attach the volume.`);
    if (file !== head.path) sources.set(target, { path: head.path, format: head.format });
  }
  if (sources.size === 0 && !inactiveXml.includes('<backingStore')) return null;
  return withSources(inactiveXml, sources);
}
