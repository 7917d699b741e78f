import { existsSync } from 'node:fs';
import { copyFile, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, say } from './progress.js';

/** A log that grew beyond this becomes `<name>.1`, so each log takes at most about twice as much. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;
const LOOK_EVERY_MS = 30_000;

/**
 * Keeps the logs of a folder bounded. Copy and truncate, because the writers keep their files open, some of them over the launcher's death; they append, so
 * they go on at the new end. Lines written between the two calls are lost. Returns what ends it.
 */
export function keepLogsBounded(dirs: readonly string[]): () => void {
  const timer = setInterval(() => {
    boundLogs(dirs).catch((error: unknown) => say(`the logs could not be bounded: ${messageOf(error)}`));
  }, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}

/** One round of it. */
export async function boundLogs(dirs: readonly string[], maxBytes: number = MAX_LOG_BYTES): Promise<void> {
  for (const dir of dirs) {
    if (!existsSync(dir)) continue;
    for (const name of await readdir(dir)) {
      const path = join(dir, name);
      const found = await stat(path);
      if (!found.isFile() || name.endsWith('.1') || found.size <= maxBytes) continue;
      await copyFile(path, `${path}.1`);
      await truncate(path);
    }
  }
}
