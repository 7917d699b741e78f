/** The disk of one host's agent, in memory: what was not made durable is lost with the agent's life, at whatever byte. */
import type { JournalDisk, JournalFile } from '@coppice/agent/journal/journal.js';
import type { Seeded } from './seeded.js';

type File = { durable: Buffer; pending: Buffer };

/** Files of one host, by their paths: what is durable of them, and what is not yet. */
export class VirtualDisk {
  readonly #files = new Map<string, File>();
  readonly #chance: Seeded;

  constructor(chance: Seeded) {
    this.#chance = chance;
  }

  /** As one life of the agent sees it: `mayDie` is asked around every write; where it never answers, the life is over. */
  mounted(mayDie: () => Promise<void>): JournalDisk {
    return {
      read: (path) => Promise.resolve(Buffer.from(this.#files.get(path)?.durable ?? [])),
      open: (path) => Promise.resolve(this.#opened(path, mayDie)),
      replace: async (path, text) => {
        await mayDie();
        this.#files.set(path, { durable: Buffer.from(text), pending: Buffer.alloc(0) });
        await mayDie();
      },
    };
  }

  /** The life that wrote is over: of what was not durable, some of the first bytes may be there. */
  tear(): void {
    for (const file of this.#files.values()) {
      const kept = file.pending.subarray(0, this.#chance.below(file.pending.length + 1));
      file.durable = Buffer.concat([file.durable, kept]);
      file.pending = Buffer.alloc(0);
    }
  }

  #opened(path: string, mayDie: () => Promise<void>): JournalFile {
    const file = this.#files.get(path) ?? { durable: Buffer.alloc(0), pending: Buffer.alloc(0) };
    this.#files.set(path, file);
    const nothing = () => Promise.resolve();
    return {
      async appendFile(text) {
        await mayDie();
        file.pending = Buffer.concat([file.pending, Buffer.from(text)]);
      },
      async datasync() {
        await mayDie();
        file.durable = Buffer.concat([file.durable, file.pending]);
        file.pending = Buffer.alloc(0);
        await mayDie();
      },
      async truncate(bytes) {
        file.durable = file.durable.subarray(0, bytes);
      },
      sync: nothing,
      close: nothing,
    };
  }
}
