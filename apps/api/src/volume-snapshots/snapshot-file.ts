/** The name of a volume snapshot's file in its pool. It carries the snapshot's own id: no merge ever changes what it means. */
export function volumeSnapshotFileName(volumeSnapshotId: string): string {
  return `snapshot-${volumeSnapshotId}.qcow2`;
}
