import { setTimeout as sleep } from 'node:timers/promises';
import { diskXmlOf } from '../../definition/virtio-disk.js';
import { CommandCancelled, CommandProblem } from '../../failure.js';
import { type CommandContext, told } from '../context.js';
import { viewMachine } from '../machine-view.js';
import { requireNoJob } from '../require-idle.js';
import type { DiskChange } from './change-disk.js';

/** A guest lets go of a disk within a second; one that is still booting hears of it late. */
const RELEASE_DEADLINE_MS = 40_000;
const LOOK_EVERY_MS = 200;
/** QEMU takes a second request no sooner than 5 s after the first. */
const ASK_AGAIN_MS = 6_000;

/** Detaches the disk where it still is: the running machine first, whose guest has to let go of it, then the persistent definition. */
export async function detachDisk(change: DiskChange, context: CommandContext): Promise<void> {
  const { disk, view, missing } = change;
  const { facts } = view;
  if (missing.live) {
    requireAwake(change);
    await requireNoJob(context.hypervisor, view);
  }
  await context.note('detaching', { target: disk.target });
  context.crash('change-disk/before-live');
  await told(context, 'DETACH_VOLUME', async () => {
    if (missing.live) await releaseLive(change, context);
    context.crash('change-disk/between');
    const { inactiveXml } = await viewMachine(context.hypervisor, facts.uuid);
    const xml = diskXmlOf(inactiveXml, disk.target);
    if (xml !== null) await context.hypervisor.machines.detachDisk(facts.uuid, xml, { live: false, persistent: true });
  });
}

/** A guest that does not run cannot let go. */
function requireAwake({ view: { facts } }: DiskChange): void {
  if (facts.power !== 'PAUSED') return;
  throw new CommandProblem({
    code: 'MACHINE_STATE',
    message: `Machine ${facts.uuid} is paused, so its guest cannot release the disk. Nothing was changed.`,
    hint: 'Let it go on (start) or stop it, then try again.',
  });
}

async function releaseLive({ disk, view: { facts } }: DiskChange, context: CommandContext): Promise<void> {
  const began = performance.now();
  for (let nextAsk = began; performance.now() - began < RELEASE_DEADLINE_MS; ) {
    const { liveXml } = await context.hypervisor.describeMachine(facts.uuid);
    const xml = liveXml === null ? null : diskXmlOf(liveXml, disk.target);
    if (liveXml === null || xml === null) return;
    if (performance.now() >= nextAsk) {
      await askToRelease(facts.uuid, xml, context);
      nextAsk = performance.now() + ASK_AGAIN_MS;
    }
    if (context.cancelled.aborted) throw new CommandCancelled('NOTHING');
    await sleep(LOOK_EVERY_MS);
  }
  throw new CommandProblem({
    code: 'MACHINE_STATE',
    retryable: true,
    message: `The guest of machine ${facts.uuid} did not release disk ${disk.target} within ${RELEASE_DEADLINE_MS / 1000} s. It was asked to and may still do it; the persistent definition was not changed.`,
    hint: 'Look at what uses the disk in the guest (is it mounted?), then try again; or stop the machine first.',
  });
}

/** QEMU refuses a request while an earlier one is under way; the next look tells. */
async function askToRelease(uuid: string, xml: string, { hypervisor, log }: CommandContext): Promise<void> {
  try {
    await hypervisor.machines.detachDisk(uuid, xml, { live: true, persistent: false });
  } catch (error) {
    if (!(error instanceof CommandProblem) || !/in the process of unplug|not found|no target device/i.test(error.message)) throw error;
    log.info({ err: error, uuid }, 'the disk is being released already');
  }
}
