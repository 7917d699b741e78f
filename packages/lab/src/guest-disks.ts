import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './run-program.js';

const DISK_DEADLINE_MS = 60_000;
/** The file system is small whatever the disk's size: tests of big disks write beyond it. */
const FILE_SYSTEM_BYTES = 64 * 1024 * 1024;

/** One disk of a guest: its volume and the first layer of it, `<pool>/volume-<volume uuid>.0.qcow2`. */
export interface GuestDisk {
  readonly volumeUuid: string;
  readonly path: string;
}

/** `poolDir`: absolute. `virtualBytes`: at least 64 MiB, default 64 MiB. `volumeUuids`: to make the same disks again; default new ones. */
export interface GuestDisksRequest {
  readonly poolDir: string;
  readonly virtualBytes?: number;
  readonly volumeUuids?: readonly [string, string];
}

/** Makes two qcow2 disks, an empty ext4 on each. A disk that exists is left as it is; a kill in the middle leaves no half disk under its final name. */
export async function createGuestDisks(request: GuestDisksRequest): Promise<readonly [GuestDisk, GuestDisk]> {
  const [first, second] = request.volumeUuids ?? [randomUUID(), randomUUID()];
  return [await createDisk(request, first), await createDisk(request, second)];
}

async function createDisk(request: GuestDisksRequest, volumeUuid: string): Promise<GuestDisk> {
  const path = join(request.poolDir, `volume-${volumeUuid}.0.qcow2`);
  if (existsSync(path)) return { volumeUuid, path };
  const bytes = Math.max(request.virtualBytes ?? FILE_SYSTEM_BYTES, FILE_SYSTEM_BYTES);
  const raw = join(request.poolDir, `.making-${volumeUuid}.raw`);
  const made = join(request.poolDir, `.making-${volumeUuid}.qcow2`);
  try {
    await writeFile(raw, '');
    await truncate(raw, bytes);
    const blocks = String(FILE_SYSTEM_BYTES / 1024);
    await runProgram('mkfs.ext4', ['-q', '-F', '-b', '1024', '-E', 'lazy_itable_init=0,nodiscard', raw, blocks], {
      deadlineMs: DISK_DEADLINE_MS,
      env: sbinPath(),
    });
    await runProgram('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, made], { deadlineMs: DISK_DEADLINE_MS });
    await rename(made, path);
  } finally {
    await rm(raw, { force: true });
    await rm(made, { force: true });
  }
  return { volumeUuid, path };
}

/** mkfs lives in /sbin, which is not on the path of a user without rights. */
function sbinPath(): Record<string, string> {
  return { PATH: `${process.env['PATH'] ?? '/usr/bin'}:/usr/sbin:/sbin` };
}
