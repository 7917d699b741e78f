/** A thread of the libvirt child that makes calls, one after the other. Must never share its connection with another thread. */
import { parentPort, workerData } from 'node:worker_threads';
import type { CallRequest } from './calls.js';
import { silenceLibvirt } from './ffi.js';
import { problemOf, SyncConnection } from './sync-connection.js';

silenceLibvirt();
const connection = new SyncConnection((workerData as { uri: string }).uri);

parentPort?.on('message', (request: CallRequest) => {
  try {
    parentPort?.postMessage({ kind: 'answer', id: request.id, answer: connection.call(request.name, request.argument) });
  } catch (error) {
    parentPort?.postMessage({ kind: 'problem', id: request.id, problem: problemOf(error) });
  }
});
