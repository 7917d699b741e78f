/**
 * The process that talks to libvirt for the agent: one thread for events, up to MAX_CALL_WORKERS for calls. A fault in foreign code ends
 * this process and nothing else. Holds no state worth keeping; ends at once when the agent is gone.
 */
import { Worker } from 'node:worker_threads';
import type { CallRequest, ChildMessage } from './calls.js';

/** Four commands, a full inventory, a thaw, and two for calls that hang: the agent restarts this process when all hang. */
const MAX_CALL_WORKERS = 8;

const uri = process.argv[2] ?? '';
const idle: Worker[] = [];
const waiting: CallRequest[] = [];
let workerCount = 0;

function say(message: unknown): void {
  if (process.connected) process.send?.(message);
}

/** Not process.exit(): that waits for threads, and a thread inside a hung call does not end. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

function newWorker(): Worker {
  workerCount += 1;
  const worker = new Worker(new URL('./call-worker.js', import.meta.url), { workerData: { uri } });
  worker.on('message', (message: ChildMessage) => {
    say(message);
    idle.push(worker);
    pump();
  });
  worker.on('error', die);
  return worker;
}

function pump(): void {
  while (waiting.length > 0) {
    const worker = idle.pop() ?? (workerCount < MAX_CALL_WORKERS ? newWorker() : undefined);
    if (worker === undefined) return;
    worker.postMessage(waiting.shift());
  }
}

process.on('disconnect', die);
process.on('message', (request: CallRequest) => {
  waiting.push(request);
  pump();
});
// Before any call worker: libvirt takes the event loop's implementation for connections that are opened after it is registered.
const events = new Worker(new URL('./event-worker.js', import.meta.url), { workerData: { uri } });
events.on('message', say);
events.on('error', die);
