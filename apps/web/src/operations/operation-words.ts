/** Words and tones for operations and transitions. */
import type { OperationState, SubjectType } from '../../generated/graphql';
import type { Tone } from '../ui/Badge';
import { formatBytes, formatDuration, formatEnum } from '../ui/format';

const STATES: Record<OperationState, { label: string; tone: Tone }> = {
  QUEUED: { label: 'Queued', tone: 'plain' },
  RUNNING: { label: 'Running', tone: 'busy' },
  CANCELLING: { label: 'Cancelling', tone: 'warn' },
  SUCCEEDED: { label: 'Done', tone: 'good' },
  FAILED: { label: 'Failed', tone: 'bad' },
  CANCELLED: { label: 'Cancelled', tone: 'plain' },
};

/** An operation's state in words. */
export function sayOperationState(state: OperationState): { label: string; tone: Tone } {
  return STATES[state];
}

/** Whether it goes on. */
export function isUnfinished(state: OperationState): boolean {
  return state === 'QUEUED' || state === 'RUNNING' || state === 'CANCELLING';
}

const KINDS: Record<string, string> = {
  createVmSnapshot: 'Take snapshot',
  updateVmSnapshot: 'Edit snapshot',
  revertToVmSnapshot: 'Revert to snapshot',
  deleteVmSnapshots: 'Delete snapshots',
  cloneVmSnapshot: 'Clone snapshot',
  createTemplate: 'Make template',
  deleteTemplate: 'Delete template',
  assignVirtualMachine: 'Assign machine',
  startVirtualMachine: 'Start machine',
  stopVirtualMachine: 'Stop machine',
  resizeVirtualMachine: 'Resize machine',
  migrateVirtualMachine: 'Migrate machine',
  destroyVirtualMachine: 'Destroy machine',
  reconcileVirtualMachine: 'Reconcile machine',
  consolidateVirtualMachine: 'Merge what was put off',
};

/** What kind of work, in words: the mutation's name taken apart where no better words are known. */
export function sayOperationKind(kind: string): string {
  return KINDS[kind] ?? formatEnum(kind.replaceAll(/([a-z])([A-Z])/g, '$1_$2'));
}

type SubjectLike = {
  __typename?: string | undefined;
  snapshotName?: string;
  machineName?: string;
  hostName?: string;
  volumeName?: string;
  volumeSnapshotName?: string;
  kind?: string;
  snapshotMachine?: { id: string; name: string };
  operationMachine?: { id: string; name: string } | null;
  id: string;
};

/** What a transition is about: its name, its type in words, and the machine's page where it has one. */
export function saySubject(
  type: SubjectType,
  subject: SubjectLike | null | undefined,
): { name: string; type: string; machineId: string | null } {
  const machineId =
    subject?.snapshotMachine?.id ?? subject?.operationMachine?.id ?? (type === 'VIRTUAL_MACHINE' ? (subject?.id ?? null) : null);
  const kind = subject?.kind === undefined ? undefined : sayOperationKind(subject.kind);
  const named = subject?.snapshotName ?? subject?.machineName ?? subject?.hostName ?? subject?.volumeName ?? subject?.volumeSnapshotName;
  const name = named ?? kind ?? 'gone by now';
  return { name, type: type === 'VM_SNAPSHOT' ? 'Snapshot' : type === 'VIRTUAL_MACHINE' ? 'Machine' : formatEnum(type), machineId };
}

/** A finished step's or operation's length in ms; null where it has not both ends. */
export function lengthMs(piece: { startedAt?: string | null; finishedAt?: string | null }): number | null {
  if (!piece.startedAt || !piece.finishedAt) return null;
  return Math.max(0, Date.parse(piece.finishedAt) - Date.parse(piece.startedAt));
}

type ProgressLike = {
  bytesDone?: number | null | undefined;
  bytesTotal?: number | null | undefined;
  bytesPerSecond?: number | null | undefined;
  etaSeconds?: number | null | undefined;
};

/** How far something is, as far as that is known: bytes, rate, time left; empty where nothing is. */
export function sayProgress(progress: ProgressLike | null | undefined): string {
  if (!progress) return '';
  const { bytesDone, bytesTotal, bytesPerSecond, etaSeconds } = progress;
  const isByBytes = bytesTotal !== null && bytesTotal !== undefined && bytesTotal > 0;
  return [
    isByBytes ? `${formatBytes(bytesDone ?? 0)} of ${formatBytes(bytesTotal)}` : '',
    bytesPerSecond ? `${formatBytes(bytesPerSecond)}/s` : '',
    etaSeconds ? `${formatDuration(etaSeconds * 1_000)} left` : '',
  ]
    .filter(Boolean)
    .join(' · ');
}

/** Why an operation cannot be cancelled now, in a sentence; undefined where it can. */
export function whyNotCancelable(operation: { state: OperationState; cancelable: boolean }): string | undefined {
  if (operation.state === 'CANCELLING') return 'It is being cancelled already.';
  return operation.cancelable ? undefined : 'This cannot be taken back half-way: it goes on to its end.';
}
