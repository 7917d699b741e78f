/** Waits for ever: what a process that is dead waits for. */
export function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}
