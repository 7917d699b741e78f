/** The storage pools of the configuration as folders: names of the protocol become paths here and nowhere else. */
import { realpath, statfs } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { PoolConfig } from '../config.js';
import { CommandProblem } from '../failure.js';
import { onStorage } from '../hypervisor/qemu-storage/storage-gate.js';

/** What a pool has left. */
export interface PoolSpace {
  readonly capacityBytes: number;
  readonly availableBytes: number;
}

/** Where a file lies: in a pool (name relative to it), or in none (`pool` null, whole path). */
export interface Place {
  readonly pool: string | null;
  readonly fileName: string;
}

/** See the file's head. */
export class PoolFolders {
  /** Real paths, once they were readable; a mount that is not there yet is tried again. */
  private readonly folders = new Map<string, string>();

  constructor(readonly pools: readonly PoolConfig[]) {}

  /**
   * The real path of a pool's folder. Throws POOL_UNSUPPORTED for a pool that is not configured or has no folder, IO_ERROR if it is not
   * there.
   */
  async folderOf(poolName: string): Promise<string> {
    const known = this.folders.get(poolName);
    if (known !== undefined) return known;
    const pool = this.pools.find(({ name }) => name === poolName);
    if (pool?.path === undefined) {
      const what = pool === undefined ? 'is not in the configuration of this host' : `is of type ${pool.type}, which has no files`;
      throw new CommandProblem({ code: 'POOL_UNSUPPORTED', message: `The pool ${poolName} ${what}. Nothing was changed.` });
    }
    const { path } = pool;
    try {
      const folder = await onStorage(`resolve ${path}`, () => realpath(path));
      this.folders.set(poolName, folder);
      return folder;
    } catch (cause) {
      throw new CommandProblem({
        code: 'IO_ERROR',
        retryable: true,
        message: `The folder ${path} of pool ${poolName} cannot be reached. Nothing was changed.`,
        hint: 'Look at the mount on the host.',
        cause,
      });
    }
  }

  /** The path of a file of a pool; `fileName` is one path component (the protocol's schema keeps it so). */
  async pathOf(poolName: string, fileName: string): Promise<string> {
    return join(await this.folderOf(poolName), fileName);
  }

  /** The pool that a canonical path lies in, if one does. */
  async placeOf(path: string): Promise<Place> {
    for (const { name, path: configured } of this.pools) {
      if (configured === undefined) continue;
      const folder = await this.folderOf(name).catch(() => undefined);
      if (folder === undefined) continue;
      const inside = relative(folder, path);
      if (inside !== '' && !inside.startsWith('..')) return { pool: name, fileName: inside };
    }
    return { pool: null, fileName: path };
  }

  /** Throws like folderOf. */
  async spaceOf(poolName: string): Promise<PoolSpace> {
    const folder = await this.folderOf(poolName);
    const stats = await onStorage(`measure ${folder}`, () => statfs(folder));
    return { capacityBytes: stats.blocks * stats.bsize, availableBytes: stats.bavail * stats.bsize };
  }
}
