/** Names of what is kept of a snapshot beside its layers, in the pool that vm_snapshot.file_pool names. Both are secrets (mode 0600). */

/** The memory image. */
export function memoryFileName(snapshotId: string): string {
  return `snapshot-${snapshotId}.mem`;
}

/** The copy of the machine's NVRAM. */
export function nvramFileName(snapshotId: string): string {
  return `snapshot-${snapshotId}.nvram`;
}

/** Whose file it is, by its name. */
export function snapshotIdOf(fileName: string): string {
  const id = /^snapshot-([0-9a-f-]{36})\.(mem|nvram)$/.exec(fileName)?.[1];
  if (id === undefined) throw new Error(`${fileName} is no file that is kept of a snapshot`);
  return id;
}
