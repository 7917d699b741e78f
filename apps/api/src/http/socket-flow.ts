import type { WebSocket } from 'ws';
import { CATCH_UP_MS, CLOSE_MS, GraphqlCloseCode, MAX_BEHIND_BYTES } from './limits.js';

/** Closes, and cuts the connection of one who does not answer in time. */
export function closeFirmly(socket: WebSocket, closing: { code: number; reason: string; withinMs?: number }): void {
  socket.close(closing.code, closing.reason);
  const timer = setTimeout(() => socket.terminate(), closing.withinMs ?? CLOSE_MS);
  socket.once('close', () => clearTimeout(timer));
}

/**
 * Sends at the client's pace. Below the bound nothing waits; beyond it the sender waits, which stops the stream it reads, and a client
 * that does not catch up is told to resync: nothing is dropped silently, and nothing piles up here.
 */
export async function sendWithinBounds(socket: WebSocket, data: string): Promise<void> {
  if (socket.readyState !== socket.OPEN) return;
  const flushed = new Promise<boolean>((resolve) => {
    // An error means that the connection is gone, which `close` handles; there is nothing to wait for either way.
    socket.send(data, () => resolve(true));
  });
  if (socket.bufferedAmount <= MAX_BEHIND_BYTES) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), CATCH_UP_MS);
  });
  const isInTime = await Promise.race([flushed, late]);
  clearTimeout(timer);
  if (isInTime) return;
  const reason = 'You are more than 1 MiB behind. Connect again and follow from your last cursor.';
  closeFirmly(socket, { code: GraphqlCloseCode.RESYNC, reason });
}
