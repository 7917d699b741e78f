/** The longest that a timer of Node can wait, in milliseconds; beyond it, it would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Fires at a moment, however far away; never for null. Dispose it to stop waiting. */
export function expirySignal(at: Date | null): { signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const arm = (end: number) => {
    const left = end - Date.now();
    if (left <= 0) controller.abort();
    else {
      timer = setTimeout(() => arm(end), Math.min(left, LONGEST_TIMER_MS));
      timer.unref();
    }
  };
  if (at !== null) arm(at.getTime());
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}
