import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { storageError } from './storage-error.js';
import { onStorage } from './storage-gate.js';

const CHUNK_BYTES = 4 * 1024 * 1024;

/** The SHA-256 of a file as it lies there, in hexadecimal digits. Throws IO_ERROR, or the signal's reason when it is aborted. */
export async function checksumFile(path: string, signal: AbortSignal): Promise<string> {
  const file = await onStorage(`open ${path}`, () => open(path, constants.O_RDONLY | constants.O_NOFOLLOW)).catch((error: unknown) => {
    throw storageError(path, error);
  });
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await onStorage(`read ${path}`, () => file.read(buffer, 0, CHUNK_BYTES));
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } catch (error) {
    throw signal.aborted ? error : storageError(path, error);
  } finally {
    await file.close();
  }
}
