/** Content without a guest: patterns written into the disks of machines that are off, and read back through any layer's chain. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '@coppice/lab';
import type { Machine } from './machine.js';
import { disksOf } from './outside-probes.js';

const DEADLINE_MS = 60_000;

/** Where each pattern lies: apart, so that later ones leave the earlier ones alone, and not aligned to clusters. */
const STEP_BYTES = 1_000_000;
const PATTERN_BYTES = 100_000;

/** What a reader of a layer finds: which patterns, and the SHA-256 of everything. */
export interface View {
  readonly patterns: readonly number[];
  readonly sha256: string;
}

/** Writes pattern `n` (1 to 60) into what the machine's disk is on now. The machine must be off; whatever file system was there is lost. */
export async function writePattern(machine: Machine, target: string, n: number): Promise<void> {
  const argv = ['-f', 'qcow2', '-c', `write -P ${n} ${n * STEP_BYTES} ${PATTERN_BYTES}`, await headOf(machine, target)];
  await runProgram('qemu-io', argv, { deadlineMs: DEADLINE_MS });
}

/** Which patterns the machine's disk shows now. */
export async function patternsNow(machine: Machine, target: string): Promise<readonly number[]> {
  return (await viewOf(await headOf(machine, target))).patterns;
}

/** What a reader of this layer finds, the layers below it included. */
export async function viewOf(layerPath: string): Promise<View> {
  const scratch = await mkdtemp(join(tmpdir(), 'coppice-view-'));
  try {
    const raw = join(scratch, 'view.raw');
    await runProgram('qemu-img', ['convert', '-U', '-f', 'qcow2', '-O', 'raw', layerPath, raw], { deadlineMs: DEADLINE_MS });
    const bytes = await readFile(raw);
    const numbers = Array.from({ length: 60 }, (_, index) => index + 1);
    return { patterns: numbers.filter((n) => isPattern(bytes, n)), sha256: createHash('sha256').update(bytes).digest('hex') };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function isPattern(bytes: Buffer, n: number): boolean {
  return bytes.subarray(n * STEP_BYTES, n * STEP_BYTES + PATTERN_BYTES).equals(Buffer.alloc(PATTERN_BYTES, n));
}

async function headOf(machine: Machine, target: string): Promise<string> {
  const head = (await disksOf(machine, 'persistent'))[target];
  if (head === undefined) throw new Error(`${machine.name} has no ${target}`);
  return head;
}
