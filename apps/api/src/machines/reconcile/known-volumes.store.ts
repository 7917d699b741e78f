import type { InventoryDisk } from '@coppice/protocol';
import type { Refusal } from '../../errors/refusal.js';
import type { Reader } from '../../platform/database.js';
import type { MachineFacts } from '../machine-facts.store.js';

type Asked = { machine: MachineFacts['machine']; disks: readonly InventoryDisk[] };

/** Which of the disks are those of detached volumes, and which are new; a refusal where one belongs to somebody else. */
type Known = { attached: { volumeId: string; target: string }[]; found: InventoryDisk[]; refusal: Refusal | null };

/** Looks the files of these disks up in the record. A head belongs to one volume; what lies under a new head may be shared. */
export async function volumesOfFoundDisks(reader: Reader, { machine, disks }: Asked): Promise<Known> {
  const known: Known = { attached: [], found: [], refusal: null };
  for (const disk of disks) {
    const [head] = disk.chain;
    const recorded = await reader.layer.findFirst({
      where: {
        fileName: head?.fileName ?? '',
        state: { in: ['PRESENT', 'PLANNED', 'DISCARDING'] },
        volume: { pool: { name: head?.pool ?? '', clusterId: machine.host.clusterId, OR: [{ hostId: null }, { hostId: machine.hostId }] } },
      },
      include: { headOf: true },
    });
    const volume = recorded?.headOf ?? null;
    if (!recorded) known.found.push(disk);
    else if (volume && volume.virtualMachineId === null && volume.projectId === machine.projectId) {
      known.attached.push({ volumeId: volume.id, target: disk.target });
    } else {
      const message = `Disk ${disk.target} cannot be adopted: its file is recorded for something else (another machine, or a frozen layer). Nothing was changed.`;
      known.refusal = { code: 'MACHINE_DRIFTED', message };
    }
  }
  return known;
}
