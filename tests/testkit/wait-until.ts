/** Generous: the machine that runs the tests may be busy with much else. A test never waits for time, only for a condition. */
export const DEADLINE_MS = 90_000;

/** How a condition is waited for. `describe` adds to the error what was seen last. */
export interface WaitOptions {
  readonly deadlineMs?: number;
  readonly everyMs?: number;
  readonly describe?: () => string;
}

/** Thrown by a probe: it will never be so, waiting on is in vain. */
export class Hopeless extends Error {
  override readonly name = 'Hopeless';
}

/** Asks again and again until the answer is something, and returns that. Throws with `what` and the last error after the deadline. */
export async function waitUntil<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  options: WaitOptions = {},
): Promise<T> {
  const deadline = performance.now() + (options.deadlineMs ?? DEADLINE_MS);
  let lastError: unknown;
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
      lastError = undefined;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      lastError = error;
    }
    if (performance.now() > deadline) {
      const seen = options.describe === undefined ? '' : `; seen last: ${options.describe()}`;
      throw new Error(`waited in vain for: ${what}${seen}`, { cause: lastError });
    }
    await pause(options.everyMs ?? 50);
  }
}

/** The pause between two looks at a condition. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
