/** What the launcher tells the person at the terminal: one line per step, with the seconds since the launcher began. */
export function say(line: string): void {
  console.log(`[${(performance.now() / 1000).toFixed(1).padStart(6)} s] ${line}`);
}

/** A sentence for the person who started us: what is wrong, what was left, what to do. Printed without a stack. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError';
}

/** Waits until `probe` holds, asking every `everyMs`; after `deadlineMs` throws LaunchError with what `late` says. */
export async function waitUntil(
  probe: () => Promise<boolean>,
  options: { deadlineMs: number; everyMs: number; late: () => string },
): Promise<void> {
  const deadline = performance.now() + options.deadlineMs;
  while (!(await probe())) {
    if (performance.now() > deadline) throw new LaunchError(options.late());
    await pause(options.everyMs);
  }
}

/** Resolves after so many ms, or at once when the signal fires. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal?.aborted === true) done();
    else signal?.addEventListener('abort', done);
  });
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
