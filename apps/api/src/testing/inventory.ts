/** A machine as its host shows it, for tests of what is compared with the record. */
import type { InventoryDisk, InventoryLayer, InventoryMachine } from '@coppice/protocol';

/** A qcow2 layer in the pool. */
export function seenLayer(fileName: string, changed: Partial<InventoryLayer> = {}): InventoryLayer {
  return { pool: 'pool', fileName, format: 'qcow2', virtualBytes: 64, allocatedBytes: 1, internalSnapshots: 0, ...changed };
}

/** A writable disk on these layers, head first. */
export function seenDisk(target: string, chain: InventoryLayer[], changed: Partial<InventoryDisk> = {}): InventoryDisk {
  return { target, device: 'disk', readOnly: false, serial: null, chain, persistentFileName: null, problem: null, ...changed };
}

/** A persistent machine that runs on these disks. */
export function seenMachine(disks: InventoryDisk[], changed: Partial<InventoryMachine> = {}): InventoryMachine {
  return {
    uuid: '00000000-0000-4000-8000-000000000000',
    name: 'm',
    power: 'ON',
    persistent: true,
    autostart: false,
    vcpus: 1,
    memoryBytes: 1,
    guestAgent: 'CONNECTED',
    hasManagedSave: false,
    libvirtSnapshots: [],
    checkpoints: [],
    disks,
    ...changed,
  };
}
