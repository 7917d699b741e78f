/** A pool that can be full: a file system in memory, of a size that a test chooses. Needs root. */
import { readFileSync } from 'node:fs';
import { rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '@coppice/lab';

const DEADLINE_MS = 60_000;
const FILLER = 'filler';

/** Before any libvirtd starts that is to see it: each has mounts of its own from then on. */
export async function mountPool(path: string, bytes: number): Promise<void> {
  await runProgram('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'coppice-test-pool', path], { deadlineMs: DEADLINE_MS });
}

/** Nothing happens if nothing is mounted there. Lazily: whoever still has a file open there shall not keep a run from ending. */
export async function unmountPool(path: string): Promise<void> {
  if (readFileSync('/proc/mounts', 'utf8').includes(` ${path} `)) await runProgram('umount', ['-l', path], { deadlineMs: DEADLINE_MS });
}

/** Leaves so many bytes free in the pool; null: all that the filler took. Somebody may take room at the same time: then a little less is left. */
export async function leaveRoom(poolDir: string, bytes: number | null): Promise<void> {
  const path = join(poolDir, FILLER);
  await rm(path, { force: true });
  if (bytes === null) return;
  const { bsize, bavail } = await statfs(poolDir);
  for (let size = bsize * bavail - bytes; size > 0; size = Math.floor(size / 2)) {
    const isTaken = await runProgram('fallocate', ['-l', String(size), path], { deadlineMs: DEADLINE_MS }).then(
      () => true,
      () => false,
    );
    if (isTaken) return;
  }
}
