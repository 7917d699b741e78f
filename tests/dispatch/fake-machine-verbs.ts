/** What a pretended host does to its machines when it is asked for anything but layers. */
import type { CommandBody, CommandResult, InventoryMachine } from '@coppice/protocol';

/** Carries it out on the machines, and answers; null for a verb that is not one of these. */
export function carryOutOnMachine(machines: Map<string, InventoryMachine>, body: CommandBody): CommandResult | null {
  if (body.verb === 'define-machine') return defineMachine(machines, body);
  // A copy is of layers, whether or not a machine still has them.
  if (body.verb === 'copy-layer')
    return { verb: body.verb, virtualBytes: 1 << 30, allocatedBytes: 3 << 20, bytesMoved: 2 << 20, sha256: 'a'.repeat(64) };
  const machine = machines.get(body.machineUuid);
  if (!machine) return body.verb === 'remove-machine' ? { verb: body.verb } : null;
  switch (body.verb) {
    case 'change-power':
      machine.power = body.to;
      return { verb: body.verb, power: body.to };
    case 'resize-machine':
      machine.vcpus = body.vcpus ?? machine.vcpus;
      machine.memoryBytes = body.memoryBytes ?? machine.memoryBytes;
      return { verb: body.verb, definition: definitionOf(machine) };
    case 'change-disk':
      changeDisk(machine, body);
      return { verb: body.verb, definition: definitionOf(machine) };
    case 'remove-machine':
      machines.delete(body.machineUuid);
      return { verb: body.verb };
    case 'migrate-machine':
      machines.delete(body.machineUuid);
      return { verb: body.verb, power: machine.power === 'UNKNOWN' ? 'ON' : machine.power };
    case 'repair-machine':
      repair(machine, body);
      return { verb: body.verb, definition: definitionOf(machine) };
    default:
      return null;
  }
}

function defineMachine(machines: Map<string, InventoryMachine>, body: Extract<CommandBody, { verb: 'define-machine' }>): CommandResult {
  const rest = { device: 'disk' as const, readOnly: false, serial: null, persistentFileName: null, problem: null };
  const made: InventoryMachine = {
    uuid: body.machineUuid,
    name: body.name,
    power: 'OFF',
    persistent: true,
    autostart: false,
    vcpus: 2,
    memoryBytes: 256 * 1024 * 1024,
    guestAgent: 'DISCONNECTED',
    hasManagedSave: false,
    libvirtSnapshots: [],
    checkpoints: [],
    disks: body.volumes.map(({ target, chain }) => ({ target, chain: inventoried(chain), ...rest })),
  };
  machines.set(body.machineUuid, made);
  const volumes = body.volumes.map(({ volumeId }) => ({ volumeId, allocatedBytes: 196_616 }));
  return { verb: body.verb, definition: definitionOf(made), guestAgent: 'DISCONNECTED', volumes };
}

/** The definition as any command answers it. */
function definitionOf(machine: InventoryMachine) {
  const { vcpus, memoryBytes, disks } = machine;
  const targets = disks.map((disk) => disk.target);
  return { vcpus, memoryBytes, machineType: 'q35', firmware: null, disks: targets, inactiveXml: '<domain/>', liveXml: null };
}

function inventoried(chain: { pool: string; fileName: string; format: string }[]) {
  return chain.map((link) => ({ ...link, virtualBytes: 1 << 30, allocatedBytes: 1 << 20, internalSnapshots: 0 }));
}

function changeDisk(machine: InventoryMachine, body: Extract<CommandBody, { verb: 'change-disk' }>): void {
  machine.disks = machine.disks.filter((disk) => disk.target !== body.target);
  if (body.change === 'DETACH') return;
  const rest = { device: 'disk' as const, readOnly: false, serial: null, persistentFileName: null, problem: null };
  machine.disks.push({ target: body.target, chain: inventoried(body.chain), ...rest });
}

function repair(machine: InventoryMachine, body: Extract<CommandBody, { verb: 'repair-machine' }>): void {
  for (const { target, chain } of body.disks) {
    const disk = machine.disks.find((one) => one.target === target);
    if (!disk) continue;
    const seen = new Map(disk.chain.map((layer) => [layer.fileName, layer]));
    disk.chain = inventoried(chain).map((layer) => seen.get(layer.fileName) ?? layer);
    disk.persistentFileName = null;
  }
  if (body.dropLibvirtSnapshots) machine.libvirtSnapshots = [];
  if (body.dropManagedSave) machine.hasManagedSave = false;
}
