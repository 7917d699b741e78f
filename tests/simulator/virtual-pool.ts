/** A pool of image files in memory: what is in them is a number per cluster, so that what anybody reads can be compared. */
import { encodeExtents, extentsFrom } from '@coppice/snapshot-tree';

/** Clusters of each disk: enough for layers to overlap and not to. */
export const CLUSTERS = 8;
export const CLUSTER_BYTES = 65_536;

export type VirtualFile = { backing: string | null; format: 'qcow2' | 'raw'; clusters: Map<number, number> };

/** The files by name, and what a reader of each sees. */
export class VirtualPool {
  readonly files = new Map<string, VirtualFile>();
  /** Files that a merge of our own has locked, and its command: no machine starts on them. */
  readonly locked = new Map<string, string>();

  /** The command's storage daemon is gone, and its locks with it. */
  unlock(commandId: string): void {
    for (const [file, holder] of this.locked) if (holder === commandId) this.locked.delete(file);
  }

  /** Throws where it is not there: a command that is sent to a missing file is a bug. */
  file(name: string): VirtualFile {
    const found = this.files.get(name);
    if (!found) throw new Error(`there is no file ${name}`);
    return found;
  }

  create(name: string, file: { backing: string | null; format: 'qcow2' | 'raw' }): void {
    if (this.files.has(name)) throw new Error(`${name} is there already`);
    this.files.set(name, { ...file, clusters: new Map() });
  }

  /** File names from this one down to its base. */
  chain(name: string): string[] {
    const names: string[] = [];
    for (let next: string | null = name; next !== null; next = this.file(next).backing) {
      if (names.includes(next)) throw new Error(`${next} is its own backing file`);
      names.push(next);
    }
    return names;
  }

  /** What a reader of the file sees, cluster by cluster; 0 where nothing was ever written. */
  read(name: string): number[] {
    const chain = this.chain(name).map((link) => this.file(link).clusters);
    return Array.from({ length: CLUSTERS }, (_, at) => chain.find((clusters) => clusters.has(at))?.get(at) ?? 0);
  }

  /** Where it itself holds data; undefined where there is no such file. */
  measured(name: string): { allocatedBytes: number; dataMap: string } | undefined {
    const held = [...(this.files.get(name)?.clusters.keys() ?? [])];
    const extents = extentsFrom(held.map((at) => [at * CLUSTER_BYTES, (at + 1) * CLUSTER_BYTES] as const));
    return this.files.has(name) ? { allocatedBytes: held.length * CLUSTER_BYTES, dataMap: encodeExtents(extents) } : undefined;
  }

  /** Names of the files that name this one as their backing file. */
  readersOf(name: string): string[] {
    return [...this.files].flatMap(([reader, { backing }]) => (backing === name ? [reader] : []));
  }
}
