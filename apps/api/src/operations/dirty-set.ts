/** Ids that have news, handed out no more often than once per pause each; however much news comes meanwhile, it is one. */
export class DirtySet implements Disposable {
  readonly #pauseMs: number;
  readonly #signal: AbortSignal;
  readonly #dirty = new Set<string>();
  readonly #sentAt = new Map<string, number>();
  #wake: () => void = () => {};
  #end: { error: unknown } | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** Ends when the signal fires. */
  constructor(pauseMs: number, signal: AbortSignal) {
    this.#pauseMs = pauseMs;
    this.#signal = signal;
    signal.addEventListener('abort', this.#aborted, { once: true });
  }

  readonly #aborted = (): void => this.end(null);

  /** There is news of it. */
  add(id: string): void {
    this.#dirty.add(id);
    this.#wake();
  }

  /** It was sent now. */
  sent(id: string): void {
    this.#sentAt.set(id, performance.now());
  }

  /** No more news: `next` answers null, or throws the error. */
  end(error: unknown): void {
    this.#end ??= { error };
    this.#wake();
  }

  /** Waits for ids that may be sent now; null at the end. */
  async next(): Promise<string[] | null> {
    for (;;) {
      if (this.#end) {
        if (this.#end.error) throw this.#end.error;
        return null;
      }
      const now = performance.now();
      for (const [id, at] of this.#sentAt) if (now - at >= this.#pauseMs) this.#sentAt.delete(id);
      const due = [...this.#dirty].filter((id) => !this.#sentAt.has(id));
      if (due.length > 0) {
        for (const id of due) this.#dirty.delete(id);
        return due;
      }
      const soonest = [...this.#dirty].map((id) => (this.#sentAt.get(id) ?? now) + this.#pauseMs - now);
      await this.#sleep(soonest.length > 0 ? Math.max(1, Math.min(...soonest)) : null);
    }
  }

  #sleep(ms: number | null): Promise<void> {
    return new Promise<void>((resolve) => {
      const wake = () => resolve();
      this.#wake = wake;
      if (ms !== null) this.#timer = setTimeout(wake, ms);
    }).then(() => clearTimeout(this.#timer));
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this.#aborted);
  }
}
