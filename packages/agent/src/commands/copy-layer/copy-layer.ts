/**
 * copy-layer: what a layer at rest shows, all of its chain together, goes into a new file that stands alone. Must never write into anything
 * but that file, nor leave a part of it behind as if it were the whole.
 */
import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CommandBody, CommandResult } from '@coppice/protocol';
import { syncFolder } from '../../durable-file.js';
import { CommandCancelled, CommandProblem, hasErrorCode, HypervisorLost } from '../../failure.js';
import { checksumFile } from '../../hypervisor/qemu-storage/checksum-file.js';
import { removeFile, takeName } from '../../hypervisor/qemu-storage/create-overlay.js';
import { readImage } from '../../hypervisor/qemu-storage/image-file.js';
import { dataRangesByLayer } from '../../hypervisor/qemu-storage/map-image.js';
import { syncFile } from '../../hypervisor/qemu-storage/repoint-image.js';
import { onStorage } from '../../hypervisor/qemu-storage/storage-gate.js';
import { type CommandContext, notesOf } from '../context.js';
import { requireSpace } from '../require-space.js';
import { bytesOf } from '../merge-layers/merge-cost.js';
import { type Copy, isOurs, planCopy, requireAtRest } from './copy.js';
import { writeCopy } from './write-copy.js';

type Body = Extract<CommandBody, { verb: 'copy-layer' }>;
type Copied = Extract<CommandResult, { verb: 'copy-layer' }>;

/** A map of an image with a million clusters takes seconds. */
const MAP_DEADLINE_MS = 120_000;

/** See the file's head. Throws CommandProblem or CommandCancelled with the new file gone, or HypervisorLost: then it is called again. */
export async function copyLayer(body: Body, context: CommandContext): Promise<CommandResult> {
  const copy = await planCopy(body, context);
  const before = await writtenBefore(copy, context);
  if (before !== null) return before;
  try {
    const result = await makeCopy(copy, context);
    context.crash('copy-layer/before-finished-record');
    return result;
  } catch (error) {
    if (!(error instanceof HypervisorLost) && isOurs(copy, context)) await removeFile(copy.path);
    throw error;
  }
}

async function makeCopy(copy: Copy, context: CommandContext): Promise<Copied> {
  const source = await requireAtRest(copy, context);
  const ranges = (await dataRangesByLayer(copy.chain, MAP_DEADLINE_MS)).flat().toSorted((a, b) => a.start - b.start);
  await requireSpace({ pool: copy.body.to.pool, bytes: bytesOf(ranges), what: 'the copy' }, context);
  await claimName(copy, context);
  await writeCopy({ copy, source, ranges }, context);
  await syncFile(copy.path);
  await onStorage(`sync the folder of ${copy.path}`, () => syncFolder(dirname(copy.path)));
  const sha256 = await checksum(copy, context);
  const { virtualBytes, allocatedBytes } = await readImage(copy.path, 'qcow2');
  context.crash('copy-layer/copied');
  const bytesMoved = bytesOf(ranges);
  await context.note('written', { allocatedBytes: String(allocatedBytes), bytesMoved: String(bytesMoved), sha256 });
  return { verb: 'copy-layer', virtualBytes, allocatedBytes, bytesMoved, sha256 };
}

/** Of the file as it lies there, before anybody else can have touched it. */
async function checksum({ path }: Copy, { cancelled }: CommandContext): Promise<string> {
  try {
    return await checksumFile(path, cancelled);
  } catch (error) {
    throw cancelled.aborted ? new CommandCancelled('NOTHING') : error;
  }
}

/** The result of an earlier try that was whole and durable; null if there is none, or its file is gone. */
async function writtenBefore(copy: Copy, context: CommandContext): Promise<Copied | null> {
  const detail = notesOf(context, 'written').at(-1)?.detail;
  if (detail === undefined || !(await isThere(copy.path))) return null;
  const { virtualBytes } = await readImage(copy.path, 'qcow2');
  const { allocatedBytes, bytesMoved, sha256 = '' } = detail;
  return { verb: 'copy-layer', virtualBytes, allocatedBytes: Number(allocatedBytes), bytesMoved: Number(bytesMoved), sha256 };
}

/** Journalled after the name was found free and before it is taken: after a crash in between, a file of that name is ours. */
async function claimName(copy: Copy, context: CommandContext): Promise<void> {
  if (isOurs(copy, context)) await removeFile(copy.path);
  else {
    if (await isThere(copy.path)) throw notOurs(copy);
    await context.note('making', { path: copy.path });
  }
  context.crash('copy-layer/before-file');
  if (!(await takeName(copy.path))) throw notOurs(copy);
}

function notOurs({ path }: Copy): CommandProblem {
  return new CommandProblem({
    code: 'IO_ERROR',
    message: `${path} is there already, and this operation did not make it. It was left alone; nothing was changed.`,
    hint: 'Find out whose file it is. A new copy takes another name.',
  });
}

function isThere(path: string): Promise<boolean> {
  return onStorage(`look at ${path}`, async () => {
    try {
      await lstat(path);
      return true;
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return false;
      throw error;
    }
  });
}
