import type { CommandBody, CommandResult, InventoryMachine } from '@coppice/protocol';

type SwitchBody = Extract<CommandBody, { verb: 'switch-heads' }>;
type Definition = Extract<CommandResult, { verb: 'switch-heads' }>['definition'];
type Disk = InventoryMachine['disks'][number];

/** All that a pretended machine's definition says. */
const VCPUS = /<vcpu>(\d+)<\/vcpu>/;

/** A pretended machine's definition as results carry it. */
export function definitionOf(machine: InventoryMachine): Definition {
  const xml = `<domain><vcpu>${machine.vcpus}</vcpu></domain>`;
  return {
    vcpus: machine.vcpus,
    memoryBytes: machine.memoryBytes,
    machineType: 'q35',
    firmware: null,
    disks: machine.disks.map((disk) => disk.target),
    inactiveXml: xml,
    liveXml: machine.power === 'OFF' ? null : xml,
  };
}

/** Does to the pretended machine what switch-heads does: exactly the named disks and the kept ones remain. */
export function switchHeads(machine: InventoryMachine, body: SwitchBody): CommandResult {
  const definitionBefore = definitionOf(machine);
  const switched = body.volumes.map((volume) => diskOn(volume));
  const kept = machine.disks.filter((disk) => body.keptTargets.includes(disk.target));
  machine.disks = [...switched, ...kept].toSorted((a, b) => (a.target < b.target ? -1 : 1));
  if (body.inactiveXml !== null) machine.vcpus = Number(VCPUS.exec(body.inactiveXml)?.[1]);
  machine.power = body.memory !== null || body.start ? 'ON' : 'OFF';
  machine.guestAgent = machine.power === 'ON' ? 'CONNECTED' : 'DISCONNECTED';
  return {
    verb: body.verb,
    power: machine.power,
    switchedAt: new Date().toISOString(),
    definition: definitionOf(machine),
    definitionBefore,
    volumes: body.volumes.map(({ volumeId }) => ({ volumeId, allocatedBytes: 196_616 })),
  };
}

function diskOn({ target, chain }: SwitchBody['volumes'][number]): Disk {
  return {
    target,
    device: 'disk',
    readOnly: false,
    serial: null,
    chain: chain.map((link) => ({ ...link, virtualBytes: 1 << 30, allocatedBytes: 196_616, internalSnapshots: 0 })),
    persistentFileName: null,
    problem: null,
  };
}
