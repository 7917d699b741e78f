/** Copying between the layers of a running machine's disk, by its own QEMU. */

/** `top` and `base` as libvirt spells them in the live definition. `bytesPerSecond`: null for as fast as it goes. */
export interface BlockCommit {
  readonly uuid: string;
  readonly target: string;
  readonly top: string;
  readonly base: string;
  readonly bytesPerSecond: number | null;
}

/** Down to `base`, which becomes the head's backing; null: everything, the head stands alone then. */
export interface BlockPull {
  readonly uuid: string;
  readonly target: string;
  readonly base: string | null;
  readonly bytesPerSecond: number | null;
}

/** A job that runs on a disk: how far it is on its way over it, in bytes of the disk, whether there is anything to copy or not. */
export interface BlockJob {
  readonly done: number;
  readonly total: number;
}

/** Rules as for the Hypervisor port. A job goes on when libvirt or the agent ends, and ends with its QEMU. */
export interface BlockJobs {
  /** Copies the layers above `base` up to `top` into it. The layer over `top` reads `base` then. */
  commit(job: BlockCommit): Promise<void>;
  /** Copies what the head reads from below into it. */
  pull(job: BlockPull): Promise<void>;
  /** Null where none runs; whether the last one succeeded is only to be seen in the chain. */
  running(uuid: string, target: string): Promise<BlockJob | null>;
  /**
   * QEMU writes down what it holds of the disk that is on this file. No function of libvirt does it, so it is asked past libvirt's own record,
   * which marks the domain as tainted.
   */
  flush(uuid: string, path: string): Promise<void>;
  /** Ends a job; the disk keeps its chain. Success where there is none. */
  abort(uuid: string, target: string): Promise<void>;
}
