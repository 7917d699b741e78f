import { chmod, chown, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../../durable-file.js';
import { hasErrorCode } from '../../failure.js';
import type { ImageFile } from './image-file.js';
import { runProgram } from './run-program.js';
import { storageError } from './storage-error.js';
import { onStorage } from './storage-gate.js';

const CREATE_DEADLINE_MS = 30_000;

/** `path` and that of `backing`: absolute. The header names its backing as libvirt opens it: another name costs a running machine dear (docs/decisions/0019). */
export interface OverlayRequest {
  readonly path: string;
  readonly backing: ImageFile;
  readonly virtualBytes: number;
}

/**
 * Takes the name: an empty file that nobody had before. False if something of that name is there already, which is left alone. After it,
 * writeOverlay cannot overwrite a stranger's file.
 */
export function takeName(path: string): Promise<boolean> {
  return onStorage(`make ${path}`, async () => {
    try {
      const file = await open(path, 'wx', 0o600);
      await file.close();
      return true;
    } catch (error) {
      if (hasErrorCode(error, 'EEXIST')) return false;
      throw storageError(path, error);
    }
  });
}

/**
 * Writes an empty overlay into a file of our own, durably: cluster size, owner and mode of the layer below. The backing file is not opened
 * (`-u`): a machine may be writing it. Throws INSUFFICIENT_SPACE or IO_ERROR; what is left of the file is
 * then the caller's to remove.
 */
export async function writeOverlay(request: OverlayRequest): Promise<void> {
  const { path, backing, virtualBytes } = request;
  const argv = ['-u', '-F', backing.format, '-b', backing.path, ...shapeOf(backing), path, String(virtualBytes)];
  await create(path, argv);
  await belongLike(path, backing);
}

/** Writes an empty image without backing into a file of our own, in size, cluster size, owner and mode like another. Throws likewise. */
export async function writeEmptyImage(path: string, like: ImageFile): Promise<void> {
  await create(path, [...shapeOf(like), path, String(like.virtualBytes)]);
  await belongLike(path, like);
}

function shapeOf({ header }: ImageFile): string[] {
  return header === null ? [] : ['-o', `cluster_size=${header.clusterBytes},extended_l2=${header.hasExtendedL2 ? 'on' : 'off'}`];
}

async function create(path: string, options: readonly string[]): Promise<void> {
  const argv = ['create', '-q', '-f', 'qcow2', ...options];
  const end = await runProgram('qemu-img', argv, CREATE_DEADLINE_MS);
  if (end.exitCode !== 0) {
    throw storageError(
      path,
      new Error(end.hasTimedOut ? `qemu-img create took longer than ${CREATE_DEADLINE_MS} ms` : `qemu-img create: ${end.stderr.trim()}`),
    );
  }
}

/** Owner and mode, and then file and name durable. */
function belongLike(path: string, { owner }: ImageFile): Promise<void> {
  return onStorage(`sync ${path}`, async () => {
    try {
      await chown(path, owner.uid, owner.gid);
      await chmod(path, owner.mode | 0o600);
      const file = await open(path, 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      await syncFolder(dirname(path));
    } catch (error) {
      throw storageError(path, error);
    }
  });
}

/** Removes a file durably; one that is gone is success, false then. */
export function removeFile(path: string): Promise<boolean> {
  return onStorage(`remove ${path}`, async () => {
    try {
      await unlink(path);
      await syncFolder(dirname(path));
      return true;
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return false;
      throw storageError(path, error);
    }
  });
}
