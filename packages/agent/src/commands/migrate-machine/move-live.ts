import { setTimeout as sleep } from 'node:timers/promises';
import { withSources } from '../../definition/domain-xml.js';
import { CommandCancelled, CommandProblem } from '../../failure.js';
import { told } from '../context.js';
import type { MachineView } from '../machine-view.js';
import type { Move } from './migrate-machine.js';
import { poolTypesOf } from './require-migratable.js';
import { type Before, settle } from './settle.js';

/** 4 TiB of memory at 300 MB/s; then it is given up. */
const MIGRATE_DEADLINE_MS = 4 * 3_600_000;
const LOOK_EVERY_MS = 100;

/** Moves a machine that runs. Throws CommandCancelled, or why it stayed; then it runs here as before. */
export async function moveLive(move: Move, view: MachineView, before: Before): Promise<void> {
  const { context, machineUuid } = move;
  await told(context, 'MIGRATE_MACHINE', async () => {
    if (before.isHeld) await context.hypervisor.suspend(machineUuid);
    const { problem, why } = await migrate(move, view);
    context.crash('migrate-machine/after-migration');
    if ((await settle(move, before)) === 'there') return;
    if (why === 'cancelled') throw new CommandCancelled('NOTHING');
    throw stayed(move, why === 'late' ? lateProblem() : (problem ?? new Error('libvirt says that it has moved')));
  });
}

/** Resolves when libvirt has ended it: with its problem, and with why we ended it if we did. */
async function migrate(move: Move, view: MachineView): Promise<{ problem: Error | null; why: 'cancelled' | 'late' | null }> {
  const { machineUuid, destination, context } = move;
  // libvirt knows NFS when it sees it, and a cluster's file system not: there the pool's type says that both hosts see one file.
  const isStorageKnownShared = (await poolTypesOf(move, view)).has('SHARED_MOUNT_POINT');
  const call = context.hypervisor.migrations.migrateLive({
    uuid: machineUuid,
    destinationUri: destination.uri,
    streamUri: destination.streamUri,
    isEncrypted: destination.isEncrypted,
    isStorageKnownShared,
    persistentXml: withSources(view.inactiveXml, new Map()),
  });
  let isOver = false;
  const over = call.finally(() => {
    isOver = true;
  });
  const watched = watch(move, () => isOver);
  const { problem } = await over;
  return { problem, why: await watched };
}

/** Tells how far it is, and ends it if it is cancelled or late. Returns why, if it did. */
async function watch({ machineUuid, context }: Move, isOver: () => boolean): Promise<'cancelled' | 'late' | null> {
  const { migrations } = context.hypervisor;
  const began = performance.now();
  let why: 'cancelled' | 'late' | null = null;
  while (!isOver()) {
    const bytes = await migrations.progressOf(machineUuid).catch(() => null);
    if (bytes !== null) {
      context.progress('MIGRATE_MACHINE', 'RUNNING', bytes);
      if (bytes.bytesDone > 0) context.crash('migrate-machine/while-migrating');
      why ??= context.cancelled.aborted ? 'cancelled' : performance.now() - began > MIGRATE_DEADLINE_MS ? 'late' : null;
      // It may be at its end already: then there is nothing to abort, and where it runs is looked up.
      if (why !== null) await migrations.abort(machineUuid).catch((error: unknown) => context.log.info({ err: error }, 'nothing to abort'));
    }
    await sleep(LOOK_EVERY_MS);
  }
  return why;
}

function stayed({ machineUuid, destination }: Move, problem: Error): CommandProblem {
  const known = problem instanceof CommandProblem ? problem : null;
  return new CommandProblem({
    code: known?.code === 'INTERNAL' || known === null ? 'MACHINE_STATE' : known.code,
    retryable: true,
    message: `Machine ${machineUuid} was not migrated to ${destination.uri}: ${problem.message} It is here as before.`,
    hint: 'Try again, or choose another host.',
    cause: problem,
  });
}

function lateProblem(): Error {
  return new Error(`its memory had not travelled within ${MIGRATE_DEADLINE_MS / 3_600_000} hours.`);
}
