import { existsSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';

/** Writes a file of mode 0600 so that a kill at any moment leaves the old content or the new, never a part. */
export async function writeWhole(path: string, content: string): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** The trimmed content of a small file; where there is none, `make` says it and it is kept for ever. */
export async function readOrMake(path: string, make: () => string): Promise<string> {
  if (!existsSync(path)) await writeWhole(path, `${make()}\n`);
  return (await readFile(path, 'utf8')).trim();
}
