'use client';
import { useSyncExternalStore } from 'react';
import { formatAgo } from './format';

/** Relative times go on by themselves; a quarter of a minute is fine enough for "40 s ago". */
const TICK_MS = 15_000;
let now = new Date();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function tick(): void {
  now = new Date();
  for (const listener of listeners) listener();
}

/** When something was, as people say it; the exact local time is in its title. */
export function TimeAgo({ at }: { at: string }) {
  const ticked = useSyncExternalStore(
    subscribe,
    () => now,
    () => now,
  );
  const date = new Date(at);
  return (
    <time dateTime={at} title={date.toLocaleString()} className="whitespace-nowrap">
      {formatAgo(date, ticked > date ? ticked : date)}
    </time>
  );
}
