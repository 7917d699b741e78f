import { setTimeout as sleep } from 'node:timers/promises';
import { CommandProblem, HypervisorLost } from '../../failure.js';
import type { MachineFacts } from '../../hypervisor/port.js';
import type { Move } from './migrate-machine.js';
import { unreachable } from './require-migratable.js';

/** libvirtd notices within seconds that the client of a migration is gone; a paused machine that is waited for must not come and go. */
const SETTLE_DEADLINE_MS = 60_000;
const LOOK_EVERY_MS = 250;
const STABLE_MS = 10_000;

/** Where the machine is, once both hosts have come to rest. */
type Whereabouts = 'here' | 'there';

/** How the machine was when this command began to move it. `isHeld`: it ran, and stands still on its way. */
export interface Before {
  readonly power: string;
  readonly isHeld: boolean;
}

/**
 * Finds out where the machine is, and ends what an interrupted migration left. `before`: null if this command has not begun to move it. Throws HypervisorLost while it cannot be known: then it has to be asked again.
 *
 *   here      there           before   →
 *   absent    present                  there
 *   on        any                      here: QEMU's locks let nobody else have it
 *   paused    on, persistent  ON       there: the last word of the migration was lost; what is left here is ended
 *   paused    not running     ON       here: it goes on
 *   paused    paused for 10 s PAUSED   there; else here; the same for one that is held, which goes on there
 *   off       on, persistent  any      there: only the definition was left
 *   off       not running     any      here
 */
export async function settle(move: Move, before: Before | null): Promise<Whereabouts> {
  const began = performance.now();
  let pausedThereSince: number | null = null;
  for (;;) {
    const here = await lookHere(move);
    if (here === null) return whenNotHere(move, before);
    if (before === null) return 'here';
    const isMoving = here.liveXml !== null && (await progress(move)) !== null;
    if (!isMoving && here.power === 'ON') return 'here';
    const there = isMoving ? null : await lookThere(move);
    if (there === 'nothing') return backHere(move, here, before);
    if (there !== null && isComplete(there, before)) {
      pausedThereSince ??= performance.now();
      if (there.power === 'ON' || performance.now() - pausedThereSince > STABLE_MS) {
        await endHere(move, here);
        return goOnThere(move, there, before);
      }
    }
    if (performance.now() - began > SETTLE_DEADLINE_MS) throw new HypervisorLost(`machine ${move.machineUuid} is between two hosts`);
    await sleep(LOOK_EVERY_MS);
  }
}

async function lookHere({ machineUuid, context }: Move): Promise<MachineFacts | null> {
  try {
    return await context.hypervisor.describeMachine(machineUuid);
  } catch (error) {
    if (error instanceof CommandProblem && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}

/** Null also when it has gone meanwhile. */
async function progress({ machineUuid, context }: Move): Promise<unknown> {
  try {
    return await context.hypervisor.migrations.progressOf(machineUuid);
  } catch (error) {
    if (error instanceof CommandProblem) return null;
    throw error;
  }
}

/** The machine as it runs there; 'nothing' where it does not run, defined or not. */
async function lookThere({ machineUuid, destination, context }: Move): Promise<MachineFacts | 'nothing'> {
  const there = await context.hypervisor.migrations.lookAt(destination.uri, machineUuid);
  if (!there.isReached)
    throw new HypervisorLost(`machine ${machineUuid} may have moved, and its new host does not answer: ${there.problem}`);
  return there.machine === null || there.machine.liveXml === null ? 'nothing' : there.machine;
}

/** libvirt makes it persistent there as its last act; what comes in is transient until then. */
function isComplete({ isPersistent, power }: MachineFacts, before: Before): boolean {
  return isPersistent && (power === 'ON' || (power === 'PAUSED' && (before.power === 'PAUSED' || before.isHeld)));
}

async function whenNotHere(move: Move, before: Before | null): Promise<Whereabouts> {
  const { machineUuid, destination, context } = move;
  const there = await context.hypervisor.migrations.lookAt(destination.uri, machineUuid);
  if (!there.isReached) {
    if (before === null) throw unreachable(destination.uri, there.problem);
    throw new HypervisorLost(`machine ${machineUuid} has left, and its new host does not answer: ${there.problem}`);
  }
  if (there.machine !== null) return goOnThere(move, there.machine, before);
  throw new CommandProblem({
    code: 'NOT_FOUND',
    message: `Machine ${machineUuid} is neither here nor at ${destination.uri}. Nothing was changed.`,
  });
}

/** It did not get there. A machine that the migration had stopped at its end goes on. */
async function backHere({ machineUuid, context }: Move, here: MachineFacts, before: Before): Promise<Whereabouts> {
  if (here.power === 'PAUSED' && before.power === 'ON') {
    context.log.warn({ machineUuid }, 'a migration did not get the machine there; it goes on here');
    await context.hypervisor.machines.resume(machineUuid);
  }
  return 'here';
}

/** It is there. What is left here has given its disks up, and is ended. */
async function endHere({ machineUuid, context }: Move, here: MachineFacts): Promise<void> {
  context.log.warn({ machineUuid }, 'the machine runs on its new host; what was left of it here is ended');
  if (here.power !== 'OFF') await context.hypervisor.stop(machineUuid);
  await context.hypervisor.machines.undefine(machineUuid);
}

/** A machine that stood still on its way goes on; how it goes is the destination's to say. */
async function goOnThere({ machineUuid, destination, context }: Move, there: MachineFacts, before: Before | null): Promise<Whereabouts> {
  if (before?.isHeld === true && there.power === 'PAUSED') await context.hypervisor.migrations.resumeAt(destination.uri, machineUuid);
  return 'there';
}
