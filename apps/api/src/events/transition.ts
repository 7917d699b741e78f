/** The one stream: what a writer inserts, and what readers get back with its position. */
import type { ActorRecord } from '../access/principal.js';

/** The contract's SubjectType, and ACCESS: a change of membership, role or token, handled by replicas in order and never shown. */
export type SubjectType =
  | 'VIRTUAL_MACHINE'
  | 'VM_SNAPSHOT'
  | 'VOLUME'
  | 'VOLUME_SNAPSHOT'
  | 'TEMPLATE'
  | 'OPERATION'
  | 'HOST'
  | 'SNAPSHOT_POLICY'
  | 'ACCESS';

/** One change of a snapshot tree; carried by the transition that made it. */
export type TreeChange = {
  revision: number;
  kind: 'ADDED' | 'UPDATED' | 'REMOVED' | 'REPARENTED' | 'HEAD_MOVED';
  snapshotId: string | null;
  parentId: string | null;
  currentId: string | null;
};

/** What a store inserts in the transaction of its compare-and-set. */
export type NewTransition = {
  projectId: string | null;
  virtualMachineId: string | null;
  subjectType: SubjectType;
  subjectId: string;
  from: string | null;
  to: string;
  /** What happened, in one or a few words: `create`, `dispatch`, `finish`, `fail`, `power`, … */
  event: string;
  reason: string | null;
  actor: ActorRecord;
  operationId: string | null;
  treeChanges: TreeChange[];
};

/** A numbered transition. */
export type TransitionRecord = NewTransition & { position: bigint; at: Date };
