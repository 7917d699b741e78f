/** Whether a machine may be resized now, and which memory images go with that. Pure. */
import { done, type Outcome, type Refusal, refused } from '../../errors/refusal.js';
import { memoryFileName } from '../../vm-snapshots/snapshot-files.js';
import { checkDrift, checkFree, checkHost, checkResting } from '../check-machine.js';
import type { ResizeRequest } from '../machine-changes.contract.js';
import type { MachineFacts } from '../machine-facts.store.js';

/** Most vCPUs: what q35 takes on the oldest QEMU that we support. */
const MAX_VCPUS = 288;
const MIB = 1024 * 1024;
/** Most memory, in bytes: 16 TiB, beyond any host; a slip of the pen, not a wish. */
const MAX_MEMORY_BYTES = 16 * 1024 * 1024 * MIB;

/** A memory image that goes: it was saved by a machine of another shape. */
export type DiscardedMemory = { snapshotId: string; name: string; pool: string; fileName: string };

/** What is going to be done. */
export type ResizeDecision = { vcpus: number | null; memoryBytes: number | null; memory: DiscardedMemory[] };

/** Input first, then the state of the world. */
export function decideResize(request: ResizeRequest, facts: MachineFacts): Outcome<ResizeDecision> {
  const refusal =
    checkInput(request) ?? checkFree(facts) ?? checkDrift(facts) ?? checkResting(facts, 'it can be resized') ?? checkHost(facts, []);
  if (refusal) return refused(refusal);
  return done({ vcpus: request.vcpus, memoryBytes: request.memoryBytes, memory: memoryOf(facts) });
}

function checkInput({ vcpus, memoryBytes }: ResizeRequest): Refusal | null {
  const invalid = (message: string, field: string): Refusal => ({ code: 'INVALID_INPUT', message, path: [field] });
  if (vcpus === null && memoryBytes === null)
    return invalid('Neither vcpus nor memoryBytes was given, so there is nothing to change.', 'vcpus');
  if (vcpus !== null && (vcpus < 1 || vcpus > MAX_VCPUS)) return invalid(`A machine has 1 to ${MAX_VCPUS} vCPUs.`, 'vcpus');
  if (memoryBytes !== null && (memoryBytes < MIB || memoryBytes > MAX_MEMORY_BYTES || memoryBytes % MIB !== 0)) {
    return invalid('Memory is given in bytes, in whole MiB (1048576 bytes), from 1 MiB to 16 TiB.', 'memoryBytes');
  }
  return null;
}

function memoryOf({ snapshots }: MachineFacts): DiscardedMemory[] {
  return snapshots.flatMap(({ id, name, kind, state, filePool }) =>
    kind === 'DISK_AND_MEMORY' && state === 'READY' && filePool !== null
      ? [{ snapshotId: id, name, pool: filePool, fileName: memoryFileName(id) }]
      : [],
  );
}
