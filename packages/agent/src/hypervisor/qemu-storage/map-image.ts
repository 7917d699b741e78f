import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { coarsened, type DataRange } from '../../inventory/encode-extents.js';
import type { ChainImage } from './storage-daemon.js';
import { storageError } from './storage-error.js';

const entry = z.object({ start: z.int(), length: z.int(), depth: z.int(), data: z.boolean() });
/** A data map of the protocol never holds more; twice as many are in memory at most. */
const MAX_RANGES = 200_000;
const MAX_STDERR = 4096;

/**
 * Where one image itself holds data, whatever is below it: its backing is not opened. A machine may have it open meanwhile. Throws IO_ERROR,
 * also when `deadlineMs` has passed.
 */
export async function dataRangesOf(image: ChainImage, deadlineMs: number): Promise<DataRange[]> {
  return (await dataRangesByLayer([image], deadlineMs))[0] ?? [];
}

/**
 * For each of these layers, head first, the ranges in which a reader of the first sees data of that very layer. What is below the last is
 * not opened; the names in headers are not followed.
 */
export async function dataRangesByLayer(images: readonly ChainImage[], deadlineMs: number): Promise<DataRange[][]> {
  const argv = ['map', '--output=json', '-U', `json:${JSON.stringify(optionsOf(images))}`];
  const child = spawn('qemu-img', argv, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    if (errors.length < MAX_STDERR) errors += data.toString('utf8');
  });
  const late = afterDeadline(deadlineMs, () => child.kill('SIGKILL'));
  try {
    const reading = Promise.all([readRanges(child.stdout), ended]);
    const [ranges, exitCode] = await Promise.race([reading, late.passed]);
    if (exitCode !== 0) throw new Error(`qemu-img map: ${errors.trim() || `exit code ${exitCode}`}`);
    return ranges;
  } catch (error) {
    throw storageError(images[0]?.path ?? '', error);
  } finally {
    late.clear();
  }
}

function optionsOf(images: readonly ChainImage[]): Record<string, unknown> | null {
  const [image, ...below] = images;
  if (image === undefined) return null;
  const options = { driver: image.format, file: { driver: 'file', filename: image.path } };
  return image.format === 'raw' ? options : { ...options, backing: optionsOf(below) };
}

/** Rejects at the deadline. A process that hangs in the kernel does not die of SIGKILL; we go on all the same. */
function afterDeadline(deadlineMs: number, kill: () => void): { passed: Promise<never>; clear: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      kill();
      reject(new Error(`qemu-img map took longer than ${deadlineMs} ms`));
    }, deadlineMs);
  });
  passed.catch(() => undefined);
  return { passed, clear: () => clearTimeout(timer) };
}

/** qemu-img prints one range a line; a badly fragmented image has millions, so they are read as they come. */
async function readRanges(output: NodeJS.ReadableStream): Promise<DataRange[][]> {
  const layers: DataRange[][] = [];
  for await (const line of createInterface({ input: output })) {
    const json = line.replace(/^\[|[\],]+$/g, '');
    if (json === '') continue;
    const { start, length, depth, data } = entry.parse(JSON.parse(json));
    if (data) layers[depth] = withRange(layers[depth] ?? [], { start, length });
  }
  return Array.from(layers, (ranges) => ranges ?? []);
}

function withRange(ranges: DataRange[], next: DataRange): DataRange[] {
  const last = ranges.at(-1);
  if (last !== undefined && last.start + last.length === next.start)
    ranges[ranges.length - 1] = { start: last.start, length: last.length + next.length };
  else ranges.push(next);
  return ranges.length > 2 * MAX_RANGES ? coarsened(ranges, MAX_RANGES) : ranges;
}
