/** Names of what a host must be able to do for VM snapshots; packages/agent says which it can. */
export const DISK_SNAPSHOT_CAPABILITY = 'vm-snapshot.disk';
/** Freezing the guest's file systems. */
export const QUIESCE_CAPABILITY = 'vm-snapshot.quiesce';
/** Saving the memory of a running guest, and letting it go on from there. */
export const MEMORY_SNAPSHOT_CAPABILITY = 'vm-snapshot.memory';
