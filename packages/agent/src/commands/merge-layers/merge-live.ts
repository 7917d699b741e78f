/**
 * A merge by a block job of the machine's own QEMU (kvm.md §5.4): inside its chain by a commit, into its head by a pull. The job outlives
 * agent and libvirtd, and ends with QEMU; how it ended is seen in the chain, never inferred from its absence.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandCancelled, CommandProblem, HypervisorLost } from '../../failure.js';
import { syncFile } from '../../hypervisor/qemu-storage/repoint-image.js';
import { type CommandContext, notesOf, told } from '../context.js';
import { drifted, viewMachine } from '../machine-view.js';
import { bytesByRanges, bytesByShare, type JobBytes, ofLivingMachine, requireNoOtherJob, watchBlockJob } from './block-job.js';
import { type LiveChain, lookAtChain } from './live-chain.js';
import { noteCopied } from './copied-note.js';
import { hasCommit, isHead, type Merge, type Stage, targetOf } from './merge.js';
import { bytesOf, costOf, requireSpaceFor } from './merge-cost.js';
import { readMergeState } from './merge-state.js';
import { repointReaders, switchDefinition } from './repoint-readers.js';
import { tryToUndo } from './undo-repoint.js';

/** libvirt brings its record forward some moments after QEMU did. */
const LAG_MS = 10_000;
const LOOK_MS = 50;
/** A pool with less than this left is full: QEMU's next table or chunk does not fit. */
const FULL_BELOW_BYTES = 4 * 1024 * 1024;

/** Returns the bytes of data that were copied. Throws MACHINE_STATE where the machine does not run any more. */
export async function mergeLive(merge: Merge, stage: Stage, context: CommandContext): Promise<number> {
  requireLegal(merge);
  if (await hasEndedAfterCopy(merge, context)) return finishOff(merge, stage, context);
  try {
    const before = await told(context, 'VERIFY_CHAIN', () => lookAtChain(merge, context));
    if (!before.isMerged) await copyLive(merge, before, { stage, context });
    if (notesOf(context, 'copied').length === 0) await settleLive(merge, context);
  } catch (error) {
    if (!(error instanceof HypervisorLost)) await undoIfOff(merge, context);
    throw error;
  }
  if (hasCommit(merge)) stage.left = 'REPOINTED';
  await repointReaders(merge, stage, context);
  await switchDefinition(merge, stage, context);
  if (!(await lookAtChain(merge, context)).isMerged) throw drifted('The machine is not on its merged chain.');
  return bytesNoted(context);
}

/** The machine went off after the copy was seen in its file and journalled, as when its host lost power: only forward is left, without QEMU. */
async function hasEndedAfterCopy(merge: Merge, context: CommandContext): Promise<boolean> {
  if (notesOf(context, 'copied').length === 0) return false;
  const { facts } = await viewMachine(context.hypervisor, merge.machineUuid);
  return facts.power === 'OFF';
}

/** What the live path does behind the copy; that the headers are as they should be is checked by the caller. */
async function finishOff(merge: Merge, stage: Stage, context: CommandContext): Promise<number> {
  if (hasCommit(merge)) stage.left = 'REPOINTED';
  await repointReaders(merge, stage, context);
  await switchDefinition(merge, stage, context);
  return bytesNoted(context);
}

/**
 * Makes sure that the copy is in the file and not in QEMU's memory. QEMU flushes the target of a commit itself; of a pull it does not, and
 * would lose all of it if it were killed now (see undo-repoint.ts). Believed is what the file says.
 */
async function settleLive(merge: Merge, context: CommandContext): Promise<void> {
  context.crash('merge-layers/pulled');
  const { names } = await lookAtChain(merge, context);
  const head = names[0];
  if (!hasCommit(merge) && head !== undefined) {
    await ofLivingMachine(merge, context, () => context.hypervisor.blockJobs.flush(merge.machineUuid, head));
    const missingBytes = bytesOf((await costOf(merge)).pull);
    if (missingBytes > 0) throw notInFile(targetOf(merge).path, missingBytes);
  }
  await syncFile(targetOf(merge).path);
  context.crash('merge-layers/copied');
  await noteCopied(context, merge, bytesNoted(context));
}

function notInFile(path: string, missingBytes: number): CommandProblem {
  return new CommandProblem({
    code: 'IO_ERROR',
    retryable: true,
    message: `QEMU has pulled layers into ${path}, and ${missingBytes} bytes of them are not in the file yet. No layer may be discarded.`,
    hint: 'Retry: they are written down then.',
  });
}

/** Of a machine that is off nobody knows whether QEMU had written down what its headers promise. */
async function undoIfOff(merge: Merge, context: CommandContext): Promise<void> {
  const { facts } = await viewMachine(context.hypervisor, merge.machineUuid);
  if (facts.power === 'OFF' && notesOf(context, 'copied').length === 0) await tryToUndo(merge, context);
}

/** libvirt pulls into the head alone, and QEMU can give a running head up only by a pivot, whose crash nobody can tell from its success. */
function requireLegal(merge: Merge): void {
  const isLegal = merge.target !== null && (isHead(merge) ? !hasCommit(merge) : merge.into === merge.runLength - 1);
  if (isLegal) return;
  throw new CommandProblem({
    code: 'CAPABILITY_DISABLED',
    message: `A running machine's layers can be pulled into its head, or committed into the lowest of a run below it; not into ${targetOf(merge).path}. Nothing was changed.`,
  });
}

interface Work {
  readonly stage: Stage;
  readonly context: CommandContext;
}

/** Begins the job, or takes over the one that an earlier try of this command began, and sees to its end. */
async function copyLive(merge: Merge, before: LiveChain, work: Work): Promise<void> {
  const { stage, context } = work;
  const job = await ofLivingMachine(merge, context, () => context.hypervisor.blockJobs.running(merge.machineUuid, merge.target ?? ''));
  const isOurs = job !== null && notesOf(context, 'job').length > 0;
  if (job === null && (await readMergeState(merge, null)) !== 'WHOLE') return waitForLibvirt(merge, context);
  if (isOurs) context.log.info({ target: merge.target }, 'a block job of this command is still running: it is waited for');
  const bytes = isOurs ? bytesByShare(bytesNoted(context)) : await begin(merge, before, work);
  await watchBlockJob(merge, bytes, context);
  await requireCopied(merge, stage, context);
  const { bytesTotal } = bytes;
  context.progress(hasCommit(merge) ? 'COMMIT_LAYER' : 'PULL_LAYER', 'SUCCEEDED', {
    target: merge.target,
    bytesDone: bytesTotal,
    bytesTotal,
  });
}

/** Bytes of the job that this command began last. */
function bytesNoted(context: CommandContext): number {
  return Number(notesOf(context, 'job').at(-1)?.detail['bytesTotal'] ?? 0);
}

async function begin(merge: Merge, chain: LiveChain, { stage, context }: Work): Promise<JobBytes> {
  await requireNoOtherJob(merge, context);
  const cost = await costOf(merge);
  await requireSpaceFor(merge, cost, context);
  const bytes = bytesByRanges(hasCommit(merge) ? cost.commit : cost.pull);
  if (context.cancelled.aborted) throw new CommandCancelled(stage.left);
  context.crash('merge-layers/before-spoil-note');
  if (hasCommit(merge) && notesOf(context, 'spoils').length === 0) await context.note('spoils', { path: targetOf(merge).path });
  await context.note('job', { bytesTotal: String(bytes.bytesTotal) });
  if (hasCommit(merge)) stage.left = 'SPOILED';
  await ofLivingMachine(merge, context, () => startJob(merge, chain, context));
  return bytes;
}

function startJob(
  { machineUuid: uuid, target, above, runLength, into, bytesPerSecond }: Merge,
  { names }: LiveChain,
  context: CommandContext,
) {
  const { blockJobs } = context.hypervisor;
  if (target === null) throw new Error('a live merge has a disk');
  if (into === 0) return blockJobs.pull({ uuid, target, base: names[runLength] ?? null, bytesPerSecond });
  const [top, base] = [names[above.length], names[above.length + into]];
  if (top === undefined || base === undefined) throw new Error(`the live chain of ${target} is too short`);
  return blockJobs.commit({ uuid, target, top, base, bytesPerSecond });
}

/** QEMU is done and has re-pointed the layer above; libvirt, killed meanwhile, has yet to see it. */
async function waitForLibvirt(merge: Merge, context: CommandContext): Promise<void> {
  const deadline = performance.now() + LAG_MS;
  while (!(await lookAtChain(merge, context)).isMerged) {
    if (performance.now() > deadline) throw drifted('The headers show a merged chain, and libvirt still believes the old one.');
    await sleep(LOOK_MS);
  }
}

/** The job is over: the chain says how. */
async function requireCopied(merge: Merge, stage: Stage, context: CommandContext): Promise<void> {
  if ((await lookAtChain(merge, context)).isMerged) return;
  if ((await readMergeState(merge, null)) !== 'WHOLE') return waitForLibvirt(merge, context);
  if (context.cancelled.aborted) throw new CommandCancelled(stage.left);
  const { pool } = targetOf(merge);
  const { availableBytes } = await context.pools.spaceOf(pool);
  const isFull = availableBytes < FULL_BELOW_BYTES;
  throw new CommandProblem({
    code: isFull ? 'INSUFFICIENT_SPACE' : 'IO_ERROR',
    retryable: true,
    message: isFull
      ? `Pool ${pool} became full in the middle of a merge. Nothing was changed.`
      : `QEMU gave the merge of disk ${merge.target ?? ''} up and does not say why. Nothing was changed.`,
    hint: isFull ? 'Make room in the pool, then retry.' : "Look at the machine's log on the host, then retry.",
  });
}
