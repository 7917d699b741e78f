/**
 * The thread of the libvirt child that runs libvirt's event loop and tells what happens to domains. Reconnects by itself. Must never make
 * a call that can wait for a domain: all events would wait with it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import koffi from 'koffi';
import type { ChildMessage } from './calls.js';
import { type Connect, checked, type Domain, silenceLibvirt, virFunctions as vir } from './ffi.js';
import { problemOf } from './sync-connection.js';

/** virDomainEventID: LIFECYCLE 0, AGENT_LIFECYCLE 18, BLOCK_JOB_2 16. */
const LIFECYCLE = 0;
const BLOCK_JOB_2 = 16;
const AGENT_LIFECYCLE = 18;
const REOPEN_PAUSE_MS = 500;
/** Wakes the loop, so that it notices a closed connection even when nothing else happens. */
const WAKE_MS = 200;
/** libvirtd must answer within 5 × 3 s, else the connection counts as closed. */
const KEEP_ALIVE_SECONDS = 5;
const KEEP_ALIVE_COUNT = 3;

const prototypes = {
  lifecycle: koffi.proto('int OnLifecycle(void *c, void *d, int event, int detail, void *o)'),
  blockJob: koffi.proto('void OnBlockJob(void *c, void *d, const char *disk, int type, int status, void *o)'),
  agent: koffi.proto('void OnAgent(void *c, void *d, int state, int reason, void *o)'),
  close: koffi.proto('void OnClose(void *c, int reason, void *o)'),
  timeout: koffi.proto('void OnTimeout(int timer, void *o)'),
};

/** Set by libvirt's callback, which runs inside its event loop. */
const connection: { closedBecause: string | undefined } = { closedBecause: undefined };

function say(message: ChildMessage): void {
  parentPort?.postMessage(message);
}

function sayChanged(domain: unknown, event: string, detail: string): void {
  const buffer = Buffer.alloc(37);
  // Runs inside libvirt's loop: an exception may not leave it, and a domain that cannot be named is no news.
  if (vir.uuid(domain as Domain, buffer) === 0) say({ kind: 'machine-changed', uuid: buffer.toString('latin1', 0, 36), event, detail });
}

const callbacks = {
  lifecycle: koffi.register((_c: unknown, domain: unknown, ...[event, detail]: [number, number]) => {
    sayChanged(domain, 'lifecycle', `${event}/${detail}`);
    return 0;
  }, koffi.pointer(prototypes.lifecycle)),
  blockJob: koffi.register((_c: unknown, domain: unknown, ...rest: [string, number, number]) => {
    sayChanged(domain, 'block-job', `${rest[0]}/${rest[1]}/${rest[2]}`);
  }, koffi.pointer(prototypes.blockJob)),
  agent: koffi.register((_c: unknown, domain: unknown, ...[state, reason]: [number, number]) => {
    sayChanged(domain, 'agent', `${state}/${reason}`);
  }, koffi.pointer(prototypes.agent)),
  close: koffi.register((_c: unknown, reason: number) => {
    connection.closedBecause = `libvirt closed the connection (reason ${reason})`;
  }, koffi.pointer(prototypes.close)),
  timeout: koffi.register(() => undefined, koffi.pointer(prototypes.timeout)),
};

function listen(connect: Connect): void {
  checked(vir.setKeepAlive(connect, KEEP_ALIVE_SECONDS, KEEP_ALIVE_COUNT));
  checked(vir.registerClose(connect, callbacks.close, null, null));
  checked(vir.registerEvent(connect, null, LIFECYCLE, callbacks.lifecycle, null, null));
  checked(vir.registerEvent(connect, null, BLOCK_JOB_2, callbacks.blockJob, null, null));
  checked(vir.registerEvent(connect, null, AGENT_LIFECYCLE, callbacks.agent, null, null));
  say({ kind: 'connected' });
  while (connection.closedBecause === undefined) checked(vir.runEventLoop());
}

/** One connection, from its opening to its loss; why it ended. */
function listenOnce(uri: string): string {
  connection.closedBecause = undefined;
  let connect: Connect | undefined;
  try {
    connect = checked(vir.open(uri));
    listen(connect);
    return connection.closedBecause ?? 'ended';
  } catch (error) {
    return problemOf(error).message;
  } finally {
    if (connect !== undefined) vir.close(connect);
  }
}

silenceLibvirt();
checked(vir.registerEventLoop());
checked(vir.addTimeout(WAKE_MS, callbacks.timeout, null, null));
const pause = new Int32Array(new SharedArrayBuffer(4));
for (;;) {
  const reason = listenOnce((workerData as { uri: string }).uri);
  say({ kind: 'closed', reason });
  Atomics.wait(pause, 0, 0, REOPEN_PAUSE_MS);
}
