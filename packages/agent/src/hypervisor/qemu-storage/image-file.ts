import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { hasErrorCode } from '../../failure.js';
import { HEADER_READ_BYTES, ImageProblem, parseQcow2Header, type Qcow2Header } from './qcow2-header.js';
import { storageError } from './storage-error.js';
import { onStorage } from './storage-gate.js';

/** A table of 16 TiB virtual size with 64 KiB clusters has 32,768 entries; QEMU's own bound is 4 Mi entries. */
const MAX_L1_ENTRIES = 4 * 1024 * 1024;
const ENTRY_BYTES = 8;
const TABLE_READ_BYTES = 64 * 1024;

/** One image file as it lies there. `header` is null for raw. */
export interface ImageFile {
  readonly path: string;
  readonly format: 'qcow2' | 'raw';
  readonly virtualBytes: number;
  readonly allocatedBytes: number;
  readonly header: Qcow2Header | null;
  readonly owner: { readonly uid: number; readonly gid: number; readonly mode: number };
}

/** Reads one image; its format is told, never guessed. Links, symbolic and hard, and everything but regular files are refused. Throws ImageProblem. */
export function readImage(path: string, format: string): Promise<ImageFile> {
  return withImage(path, async (file) => {
    if (format !== 'qcow2' && format !== 'raw') throw new ImageProblem(`its format ${format} is not supported`);
    const stats = await file.stat();
    if (!stats.isFile()) throw new ImageProblem('it is not a regular file');
    // Whoever has its other name writes it past everything that we hold on to.
    if (stats.nlink > 1) throw new ImageProblem(`it has ${stats.nlink} names (hard links)`);
    const header = format === 'qcow2' ? parseQcow2Header(await headerBytes(file)) : null;
    const owner = { uid: stats.uid, gid: stats.gid, mode: stats.mode & 0o777 };
    return { path, format, virtualBytes: header?.virtualBytes ?? stats.size, allocatedBytes: stats.blocks * 512, header, owner };
  });
}

/**
 * Whether anything was ever written into this overlay: its L1 table names a cluster. Empty overlays show the layer below and nothing else.
 * Throws ImageProblem.
 */
export function hasOwnClusters(path: string): Promise<boolean> {
  return withImage(path, async (file) => {
    const { offset, entries } = parseQcow2Header(await headerBytes(file)).l1Table;
    if (entries > MAX_L1_ENTRIES) throw new ImageProblem(`its L1 table has ${entries} entries`);
    const end = offset + entries * ENTRY_BYTES;
    const buffer = Buffer.alloc(TABLE_READ_BYTES);
    for (let at = offset; at < end; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - at), at);
      if (bytesRead === 0) return false;
      if (buffer.subarray(0, bytesRead).some((byte) => byte !== 0)) return true;
      at += bytesRead;
    }
    return false;
  });
}

function withImage<T>(path: string, read: (file: FileHandle) => Promise<T>): Promise<T> {
  return onStorage(`read ${path}`, async () => {
    try {
      const file = await openImage(path);
      try {
        return await read(file);
      } finally {
        await file.close();
      }
    } catch (error) {
      throw error instanceof ImageProblem ? error : storageError(path, error);
    }
  });
}

/** O_NONBLOCK: opening a pipe that somebody put there must not wait for its other end. */
async function openImage(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    if (hasErrorCode(cause, 'ENOENT')) throw new ImageProblem('there is no such file', { cause });
    if (hasErrorCode(cause, 'ELOOP')) throw new ImageProblem('it is a symbolic link', { cause });
    throw cause;
  }
}

async function headerBytes(file: FileHandle): Promise<Buffer> {
  const buffer = Buffer.alloc(HEADER_READ_BYTES);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
  return buffer.subarray(0, bytesRead);
}
