import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { BACKOFF_MS, pauseBeforeReconnect } from './backoff.js';
import type { WebSocket } from 'ws';
import { dial, Session, type SessionHandlers } from './session.js';

/** `chance`: a random number from 0 up to 1, for the jitter. `connect`: how an address is dialled. */
export interface ConnectOptions {
  readonly apiUrls: readonly string[];
  readonly handlers: SessionHandlers;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly chance?: () => number;
  readonly connect?: (url: string) => WebSocket;
}

/** Keeps one session open until the signal is aborted: the addresses in turn, with a pause between tries. Resolves when it is over. */
export async function stayConnected(options: ConnectOptions): Promise<void> {
  const { apiUrls, handlers, log, signal, chance = Math.random, connect = dial } = options;
  let failures = 0;
  for (let turn = 0; !signal.aborted; turn += 1) {
    const url = apiUrls[turn % apiUrls.length] ?? '';
    const session = new Session(connect(url), handlers, log.child({ url }));
    const stop = () => session.close(1001, 'the agent stops');
    signal.addEventListener('abort', stop, { once: true });
    const end = await session.ended;
    signal.removeEventListener('abort', stop);
    if (signal.aborted) return;
    failures = end.lastedMs > BACKOFF_MS.settledAfter ? 0 : failures + 1;
    const pauseMs = pauseBeforeReconnect(failures, end.code, chance());
    log.info({ url, closeCode: end.code, reason: end.reason, pauseMs }, 'no session with the API; trying again');
    await sleep(pauseMs, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}
