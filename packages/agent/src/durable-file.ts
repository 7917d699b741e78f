import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes names inside a folder durable: what was created, renamed or removed there. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Replaces a file as a whole and durably; at any instant the old or the new one is there. Mode 0600. */
export async function writeDurably(path: string, content: string): Promise<void> {
  const made = `${path}.new`;
  const file = await open(made, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(made, path);
  await syncFolder(dirname(path));
}
