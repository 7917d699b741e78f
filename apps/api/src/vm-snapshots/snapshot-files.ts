/** Names of what is kept of a snapshot beside its layers, in the pool that vm_snapshot.file_pool names. Both are secrets (mode 0600). */

/** The memory image. */
export function memoryFileName(snapshotId: string): string {
  return `snapshot-${snapshotId}.mem`;
}

/** The copy of the machine's NVRAM. */
export function nvramFileName(snapshotId: string): string {
  return `snapshot-${snapshotId}.nvram`;
}
