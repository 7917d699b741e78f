/**
 * define-machine: a new machine that is like a recorded one, on heads that are there already. Must never start it, touch a machine that is
 * there, or name a head that another machine is on.
 */
import type { CommandResult } from '@coppice/protocol';
import { readDefinition } from '../../definition/domain-xml.js';
import { likeDefinition } from '../../definition/like-definition.js';
import { machineDefinitionOf } from '../../definition/machine-definition.js';
import { CommandProblem } from '../../failure.js';
import type { MachineFacts } from '../../hypervisor/port.js';
import { type CommandContext, told } from '../context.js';
import { fileOfDisk, requireChain } from '../expected-chain.js';
import { type ExpectedDisk, expectDisks } from '../expected-disks.js';
import { drifted, viewMachine } from '../machine-view.js';
import { isWrittenNow, machinesOfHost, whoIsOn } from '../who-has.js';

type Body = Extract<CommandContext['command']['body'], { verb: 'define-machine' }>;

/** Checks everything, then one define; a machine that is there as asked is not defined again. */
export async function defineMachine(body: Body, context: CommandContext): Promise<CommandResult> {
  const { hypervisor } = context;
  const disks = await expectDisks(context.pools, body.volumes);
  for (const { target, chain } of disks) await requireChain(target, chain);
  const machines = await machinesOfHost(hypervisor);
  const known = machines.find(({ uuid }) => uuid === body.machineUuid);
  if (known === undefined) {
    requireFreeName(body, machines);
    await requireFreeHeads(disks, machines);
    const xml = likeDefinition({ uuid: body.machineUuid, name: body.name, recordedXml: body.recordedXml, disks: sourcesOf(body, disks) });
    context.crash('define-machine/before-define');
    await told(context, 'SAVE_DEFINITION', () => hypervisor.define(xml));
    context.crash('define-machine/after-define');
  }
  const { facts, inactive, inactiveXml } = await viewMachine(hypervisor, body.machineUuid);
  await requireAsAsked(body, disks, facts);
  const volumes = [];
  for (const [index, { volumeId, target }] of body.volumes.entries()) {
    const [head] = await requireChain(target, disks[index]?.chain ?? []);
    volumes.push({ volumeId, allocatedBytes: head?.allocatedBytes ?? 0 });
  }
  context.crash('define-machine/before-finished-record');
  const definition = machineDefinitionOf({ inactiveXml, liveXml: facts.migratableXml });
  return { verb: 'define-machine', definition, guestAgent: inactive.guestAgent, volumes };
}

function sourcesOf({ volumes }: Body, disks: readonly ExpectedDisk[]) {
  return new Map(
    volumes.map(({ target, volumeId }, index) => {
      const head = disks[index]?.chain[0];
      if (head === undefined) throw new Error(`disk ${target} has no head`);
      return [target, { path: head.path, format: head.format, volumeId }] as const;
    }),
  );
}

/** libvirt knows a machine by its name too, and would refuse with a sentence of its own. */
function requireFreeName({ name }: Body, machines: readonly MachineFacts[]): void {
  const holder = machines.find(({ inactiveXml, liveXml }) => readDefinition(inactiveXml ?? liveXml ?? '<domain/>').name === name);
  if (holder !== undefined) throw taken(`The host has a machine ${holder.uuid} of the name ${name} already.`);
}

/** Nobody is on the heads, by any definition of this host or by a process that libvirt does not know. */
async function requireFreeHeads(disks: readonly ExpectedDisk[], machines: readonly MachineFacts[]): Promise<void> {
  const heads = disks.flatMap(({ chain }) => chain.slice(0, 1));
  const holder = await whoIsOn(machines, new Set(heads.map(({ path }) => path)));
  if (holder !== null) throw drifted(`Machine ${holder.machineUuid} has ${holder.path} as disk ${holder.target}.`);
  for (const { path, format } of heads) if (await isWrittenNow(path, format)) throw drifted(`A process of this host writes ${path}.`);
}

/** What is there under this UUID is what was asked for: the name, and every disk on its head. */
async function requireAsAsked({ name, machineUuid }: Body, disks: readonly ExpectedDisk[], { inactiveXml }: MachineFacts): Promise<void> {
  const definition = readDefinition(inactiveXml ?? '<domain/>');
  if (definition.name !== name) throw taken(`Machine ${machineUuid} is there under the name ${definition.name}.`);
  for (const { target, chain } of disks) {
    const file = await fileOfDisk(definition, target);
    if (file !== chain[0]?.path) throw taken(`Machine ${machineUuid} is there with disk ${target} on ${file ?? 'no file'}.`);
  }
  const writable = definition.disks.filter(({ device, isReadOnly, file }) => device === 'disk' && !isReadOnly && file !== null);
  if (writable.length !== disks.length) throw taken(`Machine ${machineUuid} is there with ${writable.length} disks, not ${disks.length}.`);
}

function taken(message: string): CommandProblem {
  return new CommandProblem({
    code: 'MACHINE_STATE',
    message: `${message} It was left alone; nothing was changed.`,
    hint: 'Find out whose machine it is. A new try takes a new UUID and name.',
  });
}
