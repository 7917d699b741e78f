/**
 * Content of layers without a guest: patterns written into the head of a stopped machine, and read back, or summed up, through any layer. What
 * hundreds of cases need in milliseconds each. Must never write through a layer that another layer reads, unless a test wants just that.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProgramError, runProgram } from '@coppice/lab';
import type { Machine } from './machine.js';
import { headOf } from './outside-probes.js';

const KIB = 1024;
const MIB = 1024 * KIB;

const DEADLINE_MS = 120_000;
/** Blocks of zeros are left out of the sum, wherever a layer has them allocated. */
const BLOCK_BYTES = 64 * 1024;
const ZEROS = Buffer.alloc(BLOCK_BYTES);
const READ_BYTES = 4 * 1024 * 1024;

/** One pattern: `length` bytes of `byte` (0 to 255) at `offset`. */
export interface Pattern {
  readonly offset: number;
  readonly length: number;
  readonly byte: number;
}

/** Writes a pattern into an image that nobody has open, over whatever is below it. */
export async function writePattern(path: string, pattern: Pattern): Promise<void> {
  await writePatterns(path, [pattern]);
}

/** Several patterns at one start of qemu-io (about 10 ms), in this order. */
export async function writePatterns(path: string, patterns: readonly Pattern[]): Promise<void> {
  const commands = patterns.flatMap(({ offset, length, byte }) => ['-c', `write -P ${byte} ${offset} ${length}`]);
  await qemuIo(['-f', 'qcow2', ...commands, path]);
}

/** Step `n` of a story: writes what only `n` has, and what every step writes over. `n` from 1 to 38. */
export function writeStep(path: string, n: number): Promise<void> {
  return writePatterns(path, [
    { offset: n * MIB, length: 300 * KIB, byte: n },
    { offset: 40 * MIB, length: 200 * KIB, byte: 100 + n },
  ]);
}

/** Makes a range read as zeros, as a guest does that gives blocks back. */
export async function discardRange(path: string, offset: number, length: number): Promise<void> {
  await qemuIo(['-f', 'qcow2', '-d', 'unmap', '-c', `write -z -u ${offset} ${length}`, path]);
}

/** Whether a layer shows exactly this pattern. Only reads, also beside a machine that runs on it. */
export async function showsPattern(path: string, { offset, length, byte }: Pattern): Promise<boolean> {
  const argv = ['-r', '-U', '-f', 'qcow2', '-c', `read -P ${byte} ${offset} ${length}`, path];
  try {
    await runProgram('qemu-io', argv, { deadlineMs: DEADLINE_MS });
    return true;
  } catch (error) {
    // Another pattern is exit code 1 with a word on stdout; what could not be read is told on stderr.
    if (error instanceof ProgramError && error.stderr.trim() === '') return false;
    throw error;
  }
}

/**
 * SHA-256 of all that a reader of this layer sees: its virtual size and every block that is not all zeros, with its place. Two layers have the
 * same sum exactly if they show the same bytes, however they are allocated.
 */
export async function contentHash(layerPath: string): Promise<string> {
  return withView(layerPath, sumOf);
}

/** Where each numbered pattern lies: apart, so that later ones leave the earlier ones alone, and not aligned to clusters. */
const STEP_BYTES = 1_000_000;
const PATTERN_BYTES = 100_000;
const NUMBERS = Array.from({ length: 60 }, (_, index) => index + 1);

/** What a reader of a layer finds: which numbered patterns, and the sum of everything. */
export interface View {
  readonly numbers: readonly number[];
  readonly sha256: string;
}

/** Writes the pattern of a number (1 to 60) into what a machine's disk is on now. The machine must be off; whatever file system was there is lost. */
export async function writeNumber(machine: Machine, target: string, n: number): Promise<void> {
  await writePattern(await headOf(machine, target), numbered(n));
}

/** Which numbered patterns the machine's disk shows now. */
export async function numbersNow(machine: Machine, target: string): Promise<readonly number[]> {
  return (await viewOf(await headOf(machine, target))).numbers;
}

/** What a reader of this layer finds, the layers below it included. */
export function viewOf(layerPath: string): Promise<View> {
  return withView(layerPath, async (raw) => {
    const bytes = await readFile(raw);
    return { numbers: NUMBERS.filter((n) => shows(bytes, numbered(n))), sha256: await sumOf(raw) };
  });
}

function numbered(n: number): Pattern {
  return { offset: n * STEP_BYTES, length: PATTERN_BYTES, byte: n };
}

function shows(bytes: Buffer, { offset, length, byte }: Pattern): boolean {
  return bytes.subarray(offset, offset + length).equals(Buffer.alloc(length, byte));
}

/** Lets a layer be read as the raw bytes that its reader sees. */
async function withView<T>(layerPath: string, read: (rawPath: string) => Promise<T>): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), 'coppice-content-'));
  const raw = join(scratch, 'view.raw');
  try {
    await runProgram('qemu-img', ['convert', '-U', '-f', 'qcow2', '-O', 'raw', layerPath, raw], { deadlineMs: DEADLINE_MS });
    return await read(raw);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Writes a pattern through the live device of a machine that is on, past its guest (lab.md §8): it goes where the guest's own writes go. The guest
 * may stand paused at its firmware.
 */
export async function writePatternLive(machine: Machine, target: string, { offset, length, byte }: Pattern): Promise<void> {
  const alias = aliasOf(await machine.virsh('dumpxml', machine.name), target);
  // Without the flush QEMU keeps the tables that say where the data is to itself.
  for (const words of [`write -P ${byte} ${offset} ${length}`, 'flush']) {
    const command = `qemu-io -d /machine/peripheral/${alias}/virtio-backend "${words}"`;
    const answer = await machine.virsh('qemu-monitor-command', machine.name, '--hmp', command);
    if (/fail|error/i.test(answer)) throw new Error(`${machine.name} ${target}: ${answer}`);
  }
}

async function sumOf(rawPath: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(rawPath, 'r');
  try {
    const { size } = await file.stat();
    hash.update(`size ${size}\n`);
    const buffer = Buffer.alloc(READ_BYTES);
    for (let at = 0; at < size; ) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES, at);
      if (bytesRead === 0) throw new Error(`${rawPath} ends at ${at} of ${size}`);
      addBlocks(hash, buffer.subarray(0, bytesRead), at);
      at += bytesRead;
    }
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}

function addBlocks(hash: ReturnType<typeof createHash>, data: Buffer, at: number): void {
  for (let start = 0; start < data.length; start += BLOCK_BYTES) {
    const block = data.subarray(start, Math.min(start + BLOCK_BYTES, data.length));
    if (block.equals(block.length === BLOCK_BYTES ? ZEROS : ZEROS.subarray(0, block.length))) continue;
    hash.update(`block ${at + start}\n`);
    hash.update(block);
  }
}

function aliasOf(xml: string, target: string): string {
  const disk = [...xml.matchAll(/<disk [^]*?<\/disk>/g)].map(([text]) => text).find((text) => text.includes(`dev='${target}'`));
  const alias = disk === undefined ? undefined : /<alias name='([^']+)'/.exec(disk)?.[1];
  if (alias === undefined) throw new Error(`the machine has no disk ${target} that runs`);
  return alias;
}

async function qemuIo(argv: readonly string[]): Promise<void> {
  const { stdout } = await runProgram('qemu-io', argv, { deadlineMs: DEADLINE_MS });
  if (/failed|error/i.test(stdout)) throw new Error(`qemu-io: ${stdout}`);
}
