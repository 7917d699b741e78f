import { open } from 'node:fs/promises';
import { CommandProblem } from '../../failure.js';
import { runProgram } from './run-program.js';
import { storageError } from './storage-error.js';
import { onStorage } from './storage-gate.js';

const REBASE_DEADLINE_MS = 60_000;

/**
 * Makes another file the backing of a qcow2 image that nobody has open, durably. Nothing is copied, so both backings have to show the same.
 * Paths are absolute. Throws IO_ERROR, INSUFFICIENT_SPACE, or MACHINE_STATE.
 */
export async function repointImage(path: string, backing: { readonly path: string; readonly format: string }): Promise<void> {
  const argv = ['rebase', '-q', '-u', '-f', 'qcow2', '-F', backing.format, '-b', backing.path, path];
  const end = await runProgram('qemu-img', argv, REBASE_DEADLINE_MS);
  if (end.exitCode !== 0) {
    if (isLockRefusal(end.stderr)) throw openElsewhere(path, new Error(end.stderr));
    const said = end.hasTimedOut ? `took longer than ${REBASE_DEADLINE_MS} ms` : end.stderr.trim();
    throw storageError(path, new Error(`qemu-img rebase: ${said}`));
  }
  await syncFile(path);
}

/** Makes durable what any process has written into a file. */
export function syncFile(path: string): Promise<void> {
  return onStorage(`sync ${path}`, async () => {
    try {
      const file = await open(path, 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      throw storageError(path, error);
    }
  });
}

/** Whether QEMU's programs refused an image because another process has it open. */
export function isLockRefusal(text: string): boolean {
  return /Failed to get (shared )?".*" lock/i.test(text);
}

/** The problem of an image that another process, most likely a machine, has open. */
export function openElsewhere(path: string, cause: unknown): CommandProblem {
  return new CommandProblem({
    code: 'MACHINE_STATE',
    retryable: true,
    message: `${path}, or a layer of its chain, is open in a running process. Nothing was changed.`,
    hint: 'Retry: the new plan is made for what runs then.',
    cause,
  });
}
