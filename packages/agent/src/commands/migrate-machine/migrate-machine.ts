/**
 * migrate-machine: moves a running machine live, or a stopped one by its definition, to another libvirt over the same storage. Must never let a
 * machine be on two hosts at once, nor on none. It looks first, on both:
 *
 *   not here, there                    → done
 *   here                               → check everything, move
 *   here and moved before by this command (journal says so), see settle.ts
 *
 * libvirt's client, and so this agent, leads a live migration: when it dies, the source's libvirtd cancels it and the machine goes on here.
 * An emulated machine stands still meanwhile (docs/decisions/0017); whoever finds out where it is lets it go on there.
 */
import type { CommandResult } from '@coppice/protocol';
import { readDefinition } from '../../definition/domain-xml.js';
import { HypervisorLost } from '../../failure.js';
import { type CommandContext, notesOf } from '../context.js';
import { fileOfDisk } from '../expected-chain.js';
import { type ExpectedDisk, expectDisks } from '../expected-disks.js';
import { isHeldForItsMemory } from '../held-for-its-memory.js';
import { drifted, viewMachine } from '../machine-view.js';
import { type Destination, destinationOf } from './destination.js';
import { moveLive } from './move-live.js';
import { moveStopped } from './move-stopped.js';
import { requireMigratable } from './require-migratable.js';
import { type Before, settle } from './settle.js';

type Result = Extract<CommandResult, { verb: 'migrate-machine' }>;

/** A migration as its parts need it. */
export interface Move {
  readonly machineUuid: string;
  readonly destination: Destination;
  readonly disks: readonly ExpectedDisk[];
  readonly context: CommandContext;
}

/** See the file's head. */
export async function migrateMachine(
  body: Extract<CommandContext['command']['body'], { verb: 'migrate-machine' }>,
  context: CommandContext,
): Promise<CommandResult> {
  const { machineUuid } = body;
  const destination = destinationOf(body.destinationUri, machineUuid);
  const move: Move = { machineUuid, destination, context, disks: await expectDisks(context.pools, body.disks) };
  if ((await settle(move, begunBefore(context))) === 'here') {
    const view = await viewMachine(context.hypervisor, machineUuid);
    await requireMigratable(move, view);
    const { power } = view.facts;
    const before = { power, isHeld: isHeldForItsMemory(view, context) };
    await context.note('migrating', { power, isHeld: String(before.isHeld), to: destination.uri });
    context.crash('migrate-machine/before-migration');
    if (power === 'OFF') await moveStopped(move, view);
    else await moveLive(move, view, before);
  }
  const result = await resultThere(move);
  context.crash('migrate-machine/before-finished-record');
  return result;
}

/** As it was when an earlier try of this command began to move it; null if none did. */
function begunBefore(context: CommandContext): Before | null {
  const detail = notesOf(context, 'migrating').at(-1)?.detail;
  const power = detail?.['power'];
  return power === undefined ? null : { power, isHeld: detail?.['isHeld'] === 'true' };
}

/** What the destination says of the machine; only what was seen is reported. */
async function resultThere({ machineUuid, destination, disks, context }: Move): Promise<Result> {
  const there = await context.hypervisor.migrations.lookAt(destination.uri, machineUuid);
  if (!there.isReached) throw new HypervisorLost(`machine ${machineUuid} has moved, and its new host does not answer: ${there.problem}`);
  const xml = there.machine?.liveXml ?? there.machine?.inactiveXml ?? null;
  if (there.machine === null || xml === null) throw drifted(`Machine ${machineUuid} was moved to ${destination.uri} and is not there.`);
  const definition = readDefinition(xml);
  for (const { target, chain } of disks) {
    const file = await fileOfDisk(definition, target);
    if (file !== chain[0]?.path) throw drifted(`Machine ${machineUuid} has moved, and disk ${target} is on ${file ?? 'no file'} there.`);
  }
  const { power } = there.machine;
  if (power === 'UNKNOWN') throw new HypervisorLost(`machine ${machineUuid} has moved, and is between two states there`);
  return { verb: 'migrate-machine', power };
}
