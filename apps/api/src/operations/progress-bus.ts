/** Progress of operations between replicas: newest only, lossy, never stored (mechanisms.md, Progress). */
import { z } from 'zod';
import type { Log } from '../platform/log.js';
import { NOTIFY_BYTES, PROGRESS_BATCH_MS, PROGRESS_REMEMBERED } from './limits.js';

/** The channel of NOTIFY that carries it: the only NOTIFY with data. */
export const PROGRESS_CHANNEL = 'coppice_progress';

const operationProgress = z.object({
  operationId: z.uuid(),
  /** The operation's revision when it was said; progress of a lower revision than the row's is stale. */
  revision: z.int(),
  /** Share of the steps that are over, 0 to 100. */
  percent: z.number(),
  bytesDone: z.number().nullable(),
  bytesTotal: z.number().nullable(),
  bytesPerSecond: z.number().nullable(),
  etaSeconds: z.number().nullable(),
  /** Steps whose state is known better than in the database: position → state. */
  steps: z.array(z.object({ position: z.int(), state: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED']) })),
});

/** What is known of a running operation beyond its row. */
export type OperationProgress = z.infer<typeof operationProgress>;

/** Collects, sends every PROGRESS_BATCH_MS, remembers the newest of each, tells whoever listens. */
export class ProgressBus {
  readonly #send: (payload: string) => Promise<void>;
  readonly #log: Log;
  readonly #latest = new Map<string, OperationProgress>();
  readonly #unsent = new Map<string, OperationProgress>();
  readonly #listeners = new Set<(progress: OperationProgress) => void>();
  #timer: NodeJS.Timeout | null = null;

  /** `send` is one NOTIFY on PROGRESS_CHANNEL. */
  constructor(options: { send: (payload: string) => Promise<void>; log: Log }) {
    this.#send = options.send;
    this.#log = options.log;
  }

  /** The newest progress of an operation that this replica has heard of, or null. */
  latest(operationId: string): OperationProgress | null {
    return this.#latest.get(operationId) ?? null;
  }

  /** Calls the listener with each piece of news; answers how to stop that. */
  subscribe(listener: (progress: OperationProgress) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells everyone within PROGRESS_BATCH_MS; what was said before of the same operation and not yet sent is replaced. */
  publish(progress: OperationProgress): void {
    this.#latest.set(progress.operationId, progress);
    this.#unsent.set(progress.operationId, progress);
    this.#timer ??= setTimeout(() => this.#flush(), PROGRESS_BATCH_MS);
  }

  /** A payload of PROGRESS_CHANNEL arrived, ours included. */
  receive(payload: string): void {
    let parsed: OperationProgress[];
    try {
      parsed = z.array(operationProgress).parse(JSON.parse(payload));
    } catch (error) {
      this.#log.warn({ err: error }, 'progress from another replica cannot be read; it is lossy, so it is left out');
      return;
    }
    for (const progress of parsed) this.#remember(progress);
  }

  /** Stops the timer; nothing is sent any more. */
  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #remember(progress: OperationProgress): void {
    this.#latest.delete(progress.operationId);
    this.#latest.set(progress.operationId, progress);
    for (const oldest of this.#latest.keys()) {
      if (this.#latest.size <= PROGRESS_REMEMBERED) break;
      this.#latest.delete(oldest);
    }
    for (const listener of this.#listeners) listener(progress);
  }

  #flush(): void {
    this.#timer = null;
    const batch = [...this.#unsent.values()];
    this.#unsent.clear();
    for (const payload of payloads(batch)) {
      this.#send(payload).catch((error: unknown) => this.#log.debug({ err: error }, 'progress was not sent; it is lossy'));
    }
  }
}

/** As many operations in each payload as a NOTIFY carries; one that does not fit alone is sent without its steps. */
function payloads(batch: readonly OperationProgress[]): string[] {
  const made: string[] = [];
  let parts: string[] = [];
  let bytes = 2;
  for (const progress of batch) {
    const whole = JSON.stringify(progress);
    const part = Buffer.byteLength(whole) + 2 > NOTIFY_BYTES ? JSON.stringify({ ...progress, steps: [] }) : whole;
    if (bytes + Buffer.byteLength(part) + 1 > NOTIFY_BYTES) {
      made.push(`[${parts.join(',')}]`);
      parts = [];
      bytes = 2;
    }
    parts.push(part);
    bytes += Buffer.byteLength(part) + 1;
  }
  if (parts.length > 0) made.push(`[${parts.join(',')}]`);
  return made;
}
