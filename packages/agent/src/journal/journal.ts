/**
 * What was asked of this host and what became of it: append-only, every record durable before anything is done or said on the strength
 * of it. Must never be written by two agents (state-dir lock), and never be repaired by guessing.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeDurably } from '../durable-file.js';
import { hasErrorCode } from '../failure.js';
import { readJournal } from './read-journal.js';
import { encodeRecord, type JournalRecord, type NewRecord } from './record.js';
import { emptyContent, JournalState } from './state.js';

/** Below this a journal is not worth rewriting; above, it is rewritten when it has doubled since the last time. */
const COMPACT_FROM_BYTES = 1024 * 1024;

/** An open file that grows. What was appended is durable after `datasync`. */
export interface JournalFile {
  appendFile(text: string): Promise<void>;
  datasync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Where journals lie: the host's disk, or a disk in memory that loses what was not durable when its host dies. */
export interface JournalDisk {
  /** All of it; nothing where there is no such file. */
  read(path: string): Promise<Buffer>;
  open(path: string): Promise<JournalFile>;
  /** As a whole and durably. */
  replace(path: string, text: string): Promise<void>;
}

/** When a journal is rewritten, and where it lies; tests choose less, and other. */
export interface JournalOptions {
  readonly now?: () => Date;
  readonly compactFromBytes?: number;
  readonly disk?: JournalDisk;
}

/** Where a journal lies, when it is rewritten, and its bytes now and after the last rewriting. */
interface Place {
  readonly path: string;
  readonly settings: Required<JournalOptions>;
  sizes: { now: number; compacted: number };
}

/** The file of the journal inside a state folder. */
export function journalPath(stateDir: string): string {
  return join(stateDir, 'journal.log');
}

/** An open journal. Appends are made durable in their order; a write that fails ends the agent, as nobody knows what is on disk then. */
export class Journal {
  private tail: Promise<void> = Promise.resolve();
  private broken: unknown;

  private constructor(
    private file: JournalFile,
    readonly state: JournalState,
    private readonly place: Place,
  ) {}

  /** Opens or begins the journal of a state folder; cuts off a torn last record. Throws JournalCorrupt. */
  static async open(stateDir: string, options: JournalOptions = {}): Promise<Journal> {
    const settings = { now: () => new Date(), compactFromBytes: COMPACT_FROM_BYTES, disk: hostDisk, ...options };
    const { disk } = settings;
    const path = journalPath(stateDir);
    const bytes = await disk.read(path);
    const { records, wholeBytes } = readJournal(bytes);
    const first = records[0];
    if (first === undefined || first.kind !== 'content') {
      const state = new JournalState(emptyContent(randomUUID()));
      const size = await writeCompacted(path, state, settings);
      return new Journal(await disk.open(path), state, { path, settings, sizes: { now: size, compacted: size } });
    }
    const state = new JournalState(first.content);
    for (const record of records.slice(1)) state.apply(record);
    const file = await disk.open(path);
    if (wholeBytes < bytes.length) {
      await file.truncate(wholeBytes);
      await file.sync();
    }
    return new Journal(file, state, { path, settings, sizes: { now: wholeBytes, compacted: Buffer.byteLength(encodeRecord(first)) } });
  }

  /** Writes a record and returns it once it is durable and `state` shows it. */
  append(record: NewRecord): Promise<JournalRecord> {
    const written = this.tail.then(() => this.write(record));
    this.tail = written.then(
      () => undefined,
      () => undefined,
    );
    return written;
  }

  async close(): Promise<void> {
    await this.tail;
    await this.file.close();
  }

  private async write(record: NewRecord): Promise<JournalRecord> {
    if (this.broken !== undefined) throw new Error('the journal is broken since an earlier write failed', { cause: this.broken });
    try {
      const placed: JournalRecord = { ...record, position: this.state.position + 1, at: this.place.settings.now().toISOString() };
      const line = encodeRecord(placed);
      await this.file.appendFile(line);
      await this.file.datasync();
      const { sizes, settings } = this.place;
      sizes.now += Buffer.byteLength(line);
      this.state.apply(placed);
      if (sizes.now > Math.max(settings.compactFromBytes, 2 * sizes.compacted)) await this.compact();
      return placed;
    } catch (error) {
      this.broken = error;
      throw error;
    }
  }

  private async compact(): Promise<void> {
    const { path, settings } = this.place;
    const size = await writeCompacted(path, this.state, settings);
    await this.file.close();
    this.file = await settings.disk.open(path);
    this.place.sizes = { now: size, compacted: size };
  }
}

const hostDisk: JournalDisk = {
  async read(path) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    try {
      return await readFile(path);
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return Buffer.alloc(0);
      throw error;
    }
  },
  open: (path) => open(path, 'a', 0o600),
  replace: writeDurably,
};

/** Returns the bytes of the new file. */
async function writeCompacted(path: string, state: JournalState, { disk, now }: Required<JournalOptions>): Promise<number> {
  const content = state.content(now());
  const line = encodeRecord({ kind: 'content', position: content.position, content });
  await disk.replace(path, line);
  return Buffer.byteLength(line);
}
