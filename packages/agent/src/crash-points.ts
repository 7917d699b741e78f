import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';

/** Set by tests: the agent kills itself at this point, once per state folder. */
export const CRASH_VARIABLE = 'COPPICE_AGENT_CRASH_AT';

/** Every point at which a test can let the agent die, and what is true there. */
export const CRASH_POINTS = {
  'create-layers/before-first-file': 'begun is journalled, no file is made',
  'create-layers/after-first-file': 'one overlay is whole, the others are not there',
  'create-layers/before-finished-record': 'all overlays are durable, the result is not journalled',
  'freeze-layers/before-freeze': 'the freeze is journalled and the watcher armed, the guest is not frozen',
  'freeze-layers/frozen': 'the guest is frozen, the transaction is not sent',
  'freeze-layers/before-transaction': 'everything is checked, nothing has changed',
  'freeze-layers/after-transaction': 'the machine writes the overlays; a guest that was to be quiesced is still frozen',
  'freeze-layers/after-thaw': 'switched and thawed, neither of it journalled',
  'freeze-layers/before-finished-record': 'done and checked, the result is not journalled',
  'switch-heads/before-stop': 'all is checked and the machine as it was is journalled, nothing has changed',
  'switch-heads/after-stop': 'the machine is off, its definition is the old one',
  'switch-heads/after-define': 'the definition names the new heads, nothing else is done',
  'switch-heads/after-managed-save': 'a managed save image is dropped and NVRAM put back, the machine is off',
  'switch-heads/after-restore': 'the machine runs on its new heads, which is not journalled',
  'switch-heads/before-finished-record': 'done and checked, the result is not journalled',
  'merge-layers/before-spoil-note': 'everything is checked and held, nothing has changed',
  'merge-layers/copying': 'a part of the bytes is in the target, the rest is not',
  'merge-layers/pulled': 'the headers show the end of the copy, which is not flushed',
  'merge-layers/copied': 'all bytes are in the target and durable, that is not journalled',
  'merge-layers/after-first-repoint': 'one layer reads the target already, the others do not',
  'merge-layers/before-define': 'all layers read the target, the definition is the old one',
  'merge-layers/before-finished-record': 'done and checked, the result is not journalled',
  'copy-layer/before-file': 'everything is checked and the new name journalled, no file is made',
  'copy-layer/copying': 'a part of the bytes is in the new file, the rest is not',
  'copy-layer/copied': 'the new file is whole and durable, that is not journalled',
  'copy-layer/before-finished-record': 'done and journalled as written, the result is not journalled',
  'discard-layers/after-first-file': 'one file is gone',
  'discard-layers/before-finished-record': 'all files are gone, the result is not journalled',
  'change-power/before-act': 'all is checked, the machine is as it was',
  'change-power/after-act': 'the machine is on or off as asked, the result is not journalled',
  'resize-machine/before-define': 'the new definition is made and not defined',
  'resize-machine/after-define': 'defined, the result is not journalled',
  'change-disk/before-live': 'all is checked, the disk is as it was in both definitions',
  'change-disk/between': 'the running machine has, or has lost, the disk; its persistent definition says otherwise',
  'change-disk/before-finished-record': 'both definitions are as asked, the result is not journalled',
  'remove-machine/before-stop': 'nothing has changed',
  'remove-machine/stopped': 'the machine is off and still defined',
  'remove-machine/undefined': 'the host does not know it any more, the result is not journalled',
  'migrate-machine/before-migration': 'all is checked and the machine as it was is journalled, nothing has changed',
  'migrate-machine/while-migrating': 'its memory travels, it runs here',
  'migrate-machine/after-migration': 'it runs there, and not here; neither is journalled',
  'migrate-machine/defined-there': 'a stopped machine is defined on both hosts',
  'migrate-machine/undefined-here': 'a stopped machine is defined there alone',
  'migrate-machine/before-finished-record': 'it is there and checked, the result is not journalled',
  'repair-machine/before-changes': 'all is checked, nothing has changed',
  'repair-machine/records-dropped': "libvirt's records of snapshots are gone, the definition is as it was",
  'repair-machine/before-finished-record': 'all is put right, the result is not journalled',
  'define-machine/before-define': 'all is checked, the host does not know the machine',
  'define-machine/after-define': 'the machine is defined, nothing of it is checked',
  'define-machine/before-finished-record': 'defined and checked, the result is not journalled',
} as const;

export type CrashPoint = keyof typeof CRASH_POINTS;

/** Returns the function that is called at every point; it does nothing unless this very point was asked for. Throws for an unknown one. */
export function crashAt(stateDir: string, wanted: string | undefined): (point: CrashPoint) => void {
  if (wanted === undefined || wanted === '') return () => undefined;
  if (!Object.hasOwn(CRASH_POINTS, wanted))
    throw new Error(`${CRASH_VARIABLE}=${wanted} is no crash point; there are ${Object.keys(CRASH_POINTS).join(', ')}`);
  const marker = join(stateDir, `crashed-${wanted.replaceAll('/', '-')}`);
  return (point) => {
    if (point !== wanted || existsSync(marker)) return;
    const file = openSync(marker, 'w', 0o600);
    fsyncSync(file);
    closeSync(file);
    process.kill(process.pid, 'SIGKILL');
    // The signal may need an instant; nothing may happen in it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  };
}
