import { join } from 'node:path';
import { endLeftDaemon, StorageDaemon } from '../hypervisor/qemu-storage/storage-daemon.js';
import type { CommandContext } from './context.js';

/** Starts a daemon and lets it work; it lives on where that succeeds. One that an agent before us left for this command is ended. */
export async function withDaemon(context: CommandContext, work: (daemon: StorageDaemon) => Promise<void>): Promise<StorageDaemon> {
  const pidFile = join(context.stateDir, `storage-daemon-${context.command.id}.pid`);
  await endLeftDaemon(pidFile);
  const daemon = await StorageDaemon.start(pidFile);
  try {
    await work(daemon);
    return daemon;
  } catch (error) {
    await daemon.close();
    throw error;
  }
}
