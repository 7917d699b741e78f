/** Starting and stopping, as libvirt's calls. Each blocks its thread until libvirt answers; throws LibvirtCallError. */
import type { CallArguments } from './calls.js';
import { type Connect, checked, type Domain, virFunctions as vir } from './ffi.js';

const DESTROY_GRACEFUL = 1;
const START_PAUSED = 1;
/** virDomainSaveRestoreFlags. Without one of them libvirt takes the state in which the memory was saved. */
const RESTORE_RUNNING = 2;
const RESTORE_PAUSED = 4;

/** Graceful: SIGTERM, by which QEMU writes its bitmaps down; libvirt fails it when QEMU does not end in time. */
export function destroy(domain: Domain, isGraceful: boolean): null {
  checked(vir.destroy(domain, isGraceful ? DESTROY_GRACEFUL : 0));
  return null;
}

/** The guest stands still until it is resumed. */
export function suspend(domain: Domain): null {
  checked(vir.suspend(domain));
  return null;
}

/** Cold from the persistent definition, unless there is a managed save image: then from that. */
export function start(domain: Domain, isPaused: boolean): null {
  checked(vir.start(domain, isPaused ? START_PAUSED : 0));
  return null;
}

/** libvirt refuses where there is none. */
export function removeManagedSave(domain: Domain): null {
  if (checked(vir.hasManagedSave(domain, 0)) === 1) checked(vir.removeManagedSave(domain, 0));
  return null;
}

/** Always with a definition: the one inside the file names the frozen layers, and QEMU would write into them (kvm.md §4.2). */
export function restoreMemory(connect: Connect, { path, xml, isPaused }: CallArguments['restoreMemory']): null {
  checked(vir.restore(connect, path, xml, isPaused ? RESTORE_PAUSED : RESTORE_RUNNING));
  return null;
}
