/** Words and tones for snapshots. */
import type { Consistency, VmSnapshotState } from '../../generated/graphql';
import type { Tone } from '../ui/Badge';
import { formatBytes } from '../ui/format';

const STATES: Record<VmSnapshotState, { label: string; tone: Tone }> = {
  ALLOCATED: { label: 'Allocated', tone: 'busy' },
  CREATING: { label: 'Creating', tone: 'busy' },
  READY: { label: 'Ready', tone: 'good' },
  REVERTING: { label: 'Reverting', tone: 'busy' },
  EXPUNGING: { label: 'Expunging', tone: 'warn' },
  REMOVED: { label: 'Removed', tone: 'plain' },
  ERROR: { label: 'Error', tone: 'bad' },
};

/** A snapshot's state in words. */
export function saySnapshotState(state: VmSnapshotState): { label: string; tone: Tone } {
  return STATES[state];
}

const CONSISTENCIES: Record<Consistency, { label: string; meaning: string }> = {
  FILESYSTEM: { label: 'File systems frozen', meaning: 'The guest’s file systems were frozen at that moment: they are clean.' },
  CRASH: { label: 'Crash-consistent', meaning: 'As after a power cut: file systems replay their journals when they are mounted.' },
  MEMORY: { label: 'With memory', meaning: 'The memory was saved with the disks: the guest goes on where it was.' },
  OFFLINE: { label: 'Taken while off', meaning: 'The machine was off: its disks were at rest.' },
};

/** How consistent a snapshot is: in two words, and what that means. */
export function sayConsistency(consistency: Consistency): { label: string; meaning: string } {
  return CONSISTENCIES[consistency];
}

/** Whether the consistency is what was achieved; before that it is what was asked for, and after a failure it is nothing. */
export function isConsistencyKnown(state: VmSnapshotState): boolean {
  return state !== 'ALLOCATED' && state !== 'CREATING' && state !== 'ERROR';
}

type Sized = {
  disks: readonly { allocatedBytes: number }[];
  memoryBytes?: number | null | undefined;
  space: { exclusiveBytes: number; sharedBytes: number; retainedBytes: number };
};

/** What was written for a snapshot itself: its own layers and its memory image, in bytes; what it reads from further below not counted. */
export function sizeOf(snapshot: Pick<Sized, 'disks' | 'memoryBytes'>): number {
  return snapshot.disks.reduce((sum, disk) => sum + disk.allocatedBytes, snapshot.memoryBytes ?? 0);
}

/** The space of a snapshot in a sentence. */
export function saySpace(snapshot: Sized): string {
  const { exclusiveBytes, sharedBytes, retainedBytes } = snapshot.space;
  const retained = retainedBytes > 0 ? ` ${formatBytes(retainedBytes)} are kept only because several branches still read them.` : '';
  return `${formatBytes(sizeOf(snapshot))} in its layers. Deleting it alone frees ${formatBytes(exclusiveBytes)}; it shares ${formatBytes(sharedBytes)} with others.${retained}`;
}
