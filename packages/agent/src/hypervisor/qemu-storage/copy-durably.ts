import { chmod, chown, copyFile, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../../durable-file.js';
import { hasErrorCode } from '../../failure.js';
import { storageError } from './storage-error.js';
import { onStorage } from './storage-gate.js';

/**
 * Copies a small file (NVRAM: at most some MiB); at any instant the old or the whole new one is at `to`. It keeps the owner and mode of
 * what it replaces; a new one is for its owner alone. False if there is nothing to copy.
 */
export function copyDurably(from: string, to: string): Promise<boolean> {
  return onStorage(`copy ${from} to ${to}`, async () => {
    const made = `${to}.new`;
    const like = await statsOf(to);
    try {
      await copyFile(from, made);
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT') && (await statsOf(from)) === null) return false;
      throw storageError(made, error);
    }
    try {
      await chmod(made, like === null ? 0o600 : like.mode & 0o777);
      if (like !== null) await chown(made, like.uid, like.gid);
      await syncFile(made);
      await rename(made, to);
      await syncFolder(dirname(to));
      return true;
    } catch (error) {
      throw storageError(to, error);
    }
  });
}

/** Makes what a program wrote into a file durable, and the file its owner's alone. Returns its bytes on disk. */
export function sealFile(path: string): Promise<number> {
  return onStorage(`sync ${path}`, async () => {
    try {
      await chmod(path, 0o600);
      await syncFile(path);
      await syncFolder(dirname(path));
      return (await stat(path)).blocks * 512;
    } catch (error) {
      throw storageError(path, error);
    }
  });
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function statsOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return null;
    throw storageError(path, error);
  }
}
