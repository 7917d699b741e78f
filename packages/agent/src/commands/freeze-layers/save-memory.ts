/**
 * The memory of a snapshot: libvirt saves it while the guest goes on, then stops the guest for an instant, ends the file and switches the
 * disks (kvm.md §2.3); an emulated guest stands still from the beginning (docs/decisions/0017). Its file is there before anything is switched,
 * so that a file without a switch is garbage. Must never touch the file while libvirt may still be writing it: the call outlives an agent that
 * dies.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandProblem } from '../../failure.js';
import { removeFile } from '../../hypervisor/qemu-storage/create-overlay.js';
import { type CommandContext, notesOf, told } from '../context.js';
import type { MachineView } from '../machine-view.js';
import type { FreezePlan } from './freeze-layers.js';

const POLL_MS = 200;
/** As long as the call itself may take. */
const LONGEST_SAVE_MS = 3_600_000;
/** After its death libvirt lets a guest go on that it was saving; by then it has had time to (lab.md §4 j). */
const RECOVERY_MS = 15_000;
/** A guest that writes its memory faster than the storage takes it would never come to an end: after this many times its size it is stopped. */
const MOST_REWRITES = 2;

/** Throws unless the memory can be saved; makes its file's name durable and free. */
export async function prepareMemory(
  { body, memoryPath }: FreezePlan,
  { facts, inForce }: MachineView,
  context: CommandContext,
): Promise<void> {
  if (memoryPath === null || body.memory === null) return;
  if (body.quiesce !== null)
    throw refused('CAPABILITY_DISABLED', 'A snapshot with memory cannot quiesce the guest as well: libvirt refuses it');
  if (facts.power !== 'ON') throw refused('MACHINE_STATE', `Machine ${facts.uuid} does not run, so it has no memory to save`);
  const { availableBytes } = await context.pools.spaceOf(body.memory.pool);
  if (availableBytes < inForce.memoryBytes) {
    throw new CommandProblem({
      code: 'INSUFFICIENT_SPACE',
      retryable: true,
      message: `Pool ${body.memory.pool} has ${availableBytes} bytes left; the memory of the machine may need ${inForce.memoryBytes}. Nothing was changed.`,
      hint: 'Make room in the pool, then retry; or take the snapshot without memory.',
    });
  }
  await context.note('saving-memory', { path: memoryPath });
  // Only an earlier try of this very snapshot can have left one: the name is the snapshot's.
  await removeFile(memoryPath);
}

/** A repeat: waits until libvirt is at rest with what an earlier try began, and the guest goes on. */
export async function settleMemory({ body }: FreezePlan, context: CommandContext): Promise<void> {
  if (notesOf(context, 'saving-memory').length === 0) return;
  const { hypervisor } = context;
  const isIdle = async () => (await hypervisor.busyWith(body.machineUuid, [])) === null;
  if (!(await within(LONGEST_SAVE_MS, isIdle)))
    throw refused('MACHINE_BUSY', `libvirt is still busy with machine ${body.machineUuid} after an hour`);
  const goesOn = async () => (await hypervisor.describeMachine(body.machineUuid)).power !== 'PAUSED';
  if (await within(RECOVERY_MS, goesOn)) return;
  context.log.warn({ machineUuid: body.machineUuid }, 'the guest still stood after a save that was cut off; it is let go on');
  await hypervisor.machines.resume(body.machineUuid);
}

/** Disks and memory in one call. Tells how far it is, stops a guest that would never come to an end, aborts when it is cancelled. */
export async function saveMemory(
  { body }: FreezePlan,
  snapshot: { readonly xml: string; readonly isLive: boolean },
  context: CommandContext,
): Promise<void> {
  const { machineUuid } = body;
  const ending = new AbortController();
  const abort = () => {
    context.hypervisor.migrations
      .abort(machineUuid)
      .catch((error: unknown) => context.log.warn({ err: error }, 'the save could not be aborted'));
  };
  context.cancelled.addEventListener('abort', abort, { once: true });
  const watched = watch(machineUuid, context, ending.signal);
  try {
    await told(context, 'SAVE_MEMORY', () => context.hypervisor.takeMemorySnapshot({ uuid: machineUuid, ...snapshot }));
  } finally {
    context.cancelled.removeEventListener('abort', abort);
    ending.abort();
    if (await watched) await letGoOn(machineUuid, context);
  }
}

/** libvirt lets a guest go on that we stopped inside the save; one that we stopped an instant too late it does not. */
async function letGoOn(machineUuid: string, { hypervisor }: CommandContext): Promise<void> {
  const { power } = await hypervisor.describeMachine(machineUuid);
  if (power === 'PAUSED') await hypervisor.machines.resume(machineUuid);
}

/** After a failure that left the disks as they were. */
export async function dropMemory({ memoryPath }: FreezePlan): Promise<void> {
  if (memoryPath !== null) await removeFile(memoryPath);
}

/** The same of a repeat, whether it comes to save anything or is refused before. Nothing if no earlier try got so far. */
export async function dropMemoryOfEarlierTry(plan: FreezePlan, context: CommandContext): Promise<void> {
  if (notesOf(context, 'saving-memory').length > 0) await dropMemory(plan);
}

/** True if it stopped the guest. */
async function watch(machineUuid: string, context: CommandContext, signal: AbortSignal): Promise<boolean> {
  const { hypervisor, log } = context;
  let isStopped = false;
  while (!signal.aborted) {
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    try {
      const job = await hypervisor.migrations.progressOf(machineUuid);
      if (job === null) continue;
      context.progress('SAVE_MEMORY', 'RUNNING', job);
      if (isStopped || job.bytesTotal === 0 || job.bytesDone < MOST_REWRITES * job.bytesTotal) continue;
      isStopped = true;
      log.warn({ machineUuid, ...job }, 'the guest writes its memory faster than it can be saved; it stands still until it is');
      await hypervisor.suspend(machineUuid);
    } catch (error) {
      // The call itself says what became of it.
      log.debug({ err: error }, 'the save of the memory could not be watched');
    }
  }
  return isStopped;
}

/** False if it does not come true in time. */
async function within(ms: number, isTrue: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (!(await isTrue())) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

function refused(code: 'CAPABILITY_DISABLED' | 'MACHINE_STATE' | 'MACHINE_BUSY', message: string): CommandProblem {
  return new CommandProblem({ code, message: `${message}. Nothing was changed.`, retryable: code === 'MACHINE_BUSY' });
}
