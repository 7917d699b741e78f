import { setTimeout as sleep } from 'node:timers/promises';
import { CommandCancelled, CommandProblem } from '../../failure.js';
import type { MachineFacts } from '../../hypervisor/port.js';
import type { CommandContext } from '../context.js';

/** A guest that shuts down takes seconds; a look takes 2 ms. */
const LOOK_EVERY_MS = 250;
/** A guest without agent may miss an ACPI button that is pressed while it boots. */
const ASK_AGAIN_MS = 10_000;

/** Asks the guest to shut down until it has, at most `deadlineMs`; then MACHINE_STATE, and it runs on unless it obeys later. */
export async function untilOff({ uuid }: MachineFacts, deadlineMs: number, context: CommandContext): Promise<void> {
  const began = performance.now();
  for (let nextAsk = began; performance.now() - began < deadlineMs; ) {
    if (performance.now() >= nextAsk) {
      await askToShutDown(uuid, context);
      nextAsk = performance.now() + ASK_AGAIN_MS;
    }
    if ((await context.hypervisor.describeMachine(uuid)).power === 'OFF') return;
    // The guest was asked and may still do it; whoever cancels does not want to wait for that.
    if (context.cancelled.aborted) throw new CommandCancelled('NOTHING');
    await sleep(LOOK_EVERY_MS);
  }
  throw new CommandProblem({
    code: 'MACHINE_STATE',
    retryable: true,
    message: `The guest of machine ${uuid} did not shut down within ${deadlineMs} ms. It was asked to and may still do it; nothing else was changed.`,
    hint: 'Wait, or stop the machine by force: that is like cutting its power.',
  });
}

/** libvirt refuses to ask a machine that is about to be off; the next look tells. */
async function askToShutDown(uuid: string, { hypervisor, log }: CommandContext): Promise<void> {
  try {
    await hypervisor.machines.askToShutDown(uuid);
  } catch (error) {
    if (!(error instanceof CommandProblem)) throw error;
    log.info({ err: error, uuid }, 'libvirt did not pass on the wish to shut down');
  }
}
