/** Words and tones for volume snapshots. */
import type { VolumeSnapshotState } from '../../generated/graphql';
import type { Tone } from '../ui/Badge';

const STATES: Record<VolumeSnapshotState, { label: string; tone: Tone }> = {
  ALLOCATED: { label: 'Allocated', tone: 'busy' },
  CREATING: { label: 'Creating', tone: 'busy' },
  CREATED_ON_PRIMARY: { label: 'On primary storage', tone: 'good' },
  BACKING_UP: { label: 'Backing up', tone: 'busy' },
  BACKED_UP: { label: 'Backed up', tone: 'good' },
  COPYING: { label: 'Copying', tone: 'busy' },
  REVERTING: { label: 'Reverting', tone: 'busy' },
  DESTROYING: { label: 'Deleting', tone: 'warn' },
  DESTROYED: { label: 'Deleted', tone: 'plain' },
  HIDDEN: { label: 'Kept for others', tone: 'plain' },
  ERROR: { label: 'Error', tone: 'bad' },
};

/** A volume snapshot's state in words. */
export function sayVolumeSnapshotState(state: VolumeSnapshotState): { label: string; tone: Tone } {
  return STATES[state];
}

/** Whether its file is whole: before that its size and consistency are nothing yet. */
export function isWhole(state: VolumeSnapshotState): boolean {
  return state === 'CREATED_ON_PRIMARY' || state === 'BACKED_UP' || state === 'REVERTING' || state === 'COPYING';
}
