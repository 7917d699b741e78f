import { randomUUID } from 'node:crypto';
import type { InventoryMachine } from '@coppice/protocol';
import type { Seeded } from './seeded.js';
import { CLUSTERS, type VirtualPool } from './virtual-pool.js';

/** A libvirt domain whose guest writes a new number with every write. */
export class VirtualMachine {
  readonly uuid = randomUUID();
  readonly volumeIds = new Map<string, string>();
  /** The persistent definition: disk → file. */
  definition = new Map<string, string>();
  /** Null while it is off. What QEMU writes: disk → file. */
  live: Map<string, string> | null = null;
  /** What its memory holds. A memory image has a copy, and a restore brings it back. */
  memory = 0;

  constructor(
    readonly name: string,
    readonly pool: VirtualPool,
  ) {
    for (const target of ['vda', 'vdb']) {
      const volumeId = randomUUID();
      this.volumeIds.set(target, volumeId);
      const base = `volume-${volumeId}.0.qcow2`;
      pool.create(base, { backing: null, format: 'qcow2' });
      this.definition.set(target, base);
    }
  }

  get power(): 'ON' | 'OFF' {
    return this.live === null ? 'OFF' : 'ON';
  }

  /** Nothing happens where QEMU would not get its locks. */
  start(): void {
    const isLocked = [...this.definition.values()].some((head) => this.pool.chain(head).some((file) => this.pool.locked.has(file)));
    if (!isLocked) this.live ??= new Map(this.definition);
  }

  stop(): void {
    this.live = null;
  }

  /** The guest writes some clusters, where it runs. Numbers never repeat within a pool. */
  write(chance: Seeded, number: () => number): void {
    if (this.live === null) return;
    this.memory = number();
    for (const file of this.live.values()) {
      if (chance.once(2)) this.pool.file(file).clusters.set(chance.below(CLUSTERS), number());
    }
  }

  inventory(): InventoryMachine {
    return {
      uuid: this.uuid,
      name: this.name,
      power: this.power,
      persistent: true,
      autostart: false,
      vcpus: 1,
      memoryBytes: 64 * 1024 * 1024,
      guestAgent: this.live === null ? 'DISCONNECTED' : 'CONNECTED',
      hasManagedSave: false,
      libvirtSnapshots: [],
      checkpoints: [],
      disks: [...(this.live ?? this.definition)].map(([target, file]) => ({
        target,
        device: 'disk',
        readOnly: false,
        serial: null,
        chain: this.pool.chain(file).map((fileName) => ({
          pool: 'pool',
          fileName,
          format: this.pool.file(fileName).format,
          virtualBytes: CLUSTERS * 65_536,
          allocatedBytes: this.pool.file(fileName).clusters.size * 65_536,
          internalSnapshots: 0,
        })),
        persistentFileName: this.live !== null && this.definition.get(target) !== file ? (this.definition.get(target) ?? null) : null,
        problem: null,
      })),
    };
  }
}
