/** What a visitor wants to take, and what that is for the API. Pure. */
import type { CreateVmSnapshotInput, VmSnapshotKind } from '../../generated/graphql';

/** What the form holds. `volumeIds` null: all volumes. */
export type SnapshotWish = {
  name: string;
  description: string;
  kind: VmSnapshotKind;
  isQuiesced: boolean;
  volumeIds: readonly string[] | null;
};

/** An empty form. */
export const NO_WISH: SnapshotWish = { name: '', description: '', kind: 'DISK', isQuiesced: false, volumeIds: null };

/** The API's input. With memory all volumes are taken and nothing is quiesced: the guest goes on where it was, its open files with it. */
export function toCreateInput(virtualMachineId: string, wish: SnapshotWish): CreateVmSnapshotInput {
  const isDisk = wish.kind === 'DISK';
  return {
    virtualMachineId,
    name: wish.name.trim() || null,
    description: wish.description.trim() || null,
    kind: wish.kind,
    quiesce: isDisk && wish.isQuiesced,
    volumeIds: !isDisk || wish.volumeIds === null ? null : [...wish.volumeIds],
  };
}

/** Why memory cannot be kept now, in a sentence; undefined where it can. */
export function whyNoMemory(machine: { powerState: string }): string | undefined {
  if (machine.powerState === 'OFF') return 'The machine is off, so there is no memory to keep.';
  if (machine.powerState === 'UNKNOWN') return 'It is not known now whether the machine runs.';
  return undefined;
}
