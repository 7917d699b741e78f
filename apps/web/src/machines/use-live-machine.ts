'use client';
import { useRef, useState } from 'react';
import type { MachinePage_LoadQuery, SnapshotNodeFragment } from '../../generated/graphql';
import type { Problem } from '../graphql/problem';
import { useLoad } from '../graphql/use-load';
import { useStream } from '../graphql/use-stream';
import { applyTreeChange, type KnownTree, takeReadTree, toKnownTree } from '../vm-snapshots/tree-changes';
import { watchTree } from '../vm-snapshots/vm-snapshots.graphql';
import { loadMachine, watchMachine } from './machines.graphql';

/** The machine as it was read last; its nodes are in the tree. */
export type MachineView = NonNullable<MachinePage_LoadQuery['virtualMachine']>;
export type SnapshotTreeView = KnownTree<SnapshotNodeFragment>;

export type LiveMachine =
  | { status: 'loading' }
  | { status: 'failed'; problem: Problem; reload: () => void }
  | { status: 'missing' }
  | { status: 'ready'; machine: MachineView; tree: SnapshotTreeView; operationId: string | null };

/**
 * One machine, kept up to date by two streams. Tree changes are applied at once; every transition of the machine makes one (gathered) reload
 * for what events do not carry: space, actions, drift. A jump of the revision, an expired cursor and a lost connection reload too.
 */
export function useLiveMachine(id: string): LiveMachine {
  const [tree, setTree] = useState<SnapshotTreeView | null>(null);
  // What the streams compare with, between two renders; `tree` is the same, for drawing.
  const known = useRef<SnapshotTreeView | null>(null);
  const [operationId, setOperationId] = useState<string | null>(null);
  const take = (next: SnapshotTreeView) => {
    known.current = next;
    setTree(next);
  };
  const { data, problem, reload } = useLoad({
    document: loadMachine,
    variables: { id },
    onData: ({ virtualMachine: machine }) => {
      if (!machine) return;
      const { nodes, current, revision } = machine.snapshotTree;
      take(takeReadTree(known.current, toKnownTree(nodes, current?.id ?? null, revision)));
      // The last operation stays shown after its end; a new one takes its place.
      if (machine.operation) setOperationId(machine.operation.id);
    },
  });
  const machine = data?.virtualMachine;

  useStream({
    document: watchTree,
    variables: { virtualMachineId: id },
    from: machine ? { read: machine, cursor: machine.snapshotTree.cursor } : undefined,
    cursorOf: (event) => event.snapshotTreeChanged.cursor,
    onData: ({ snapshotTreeChanged: change }) => {
      if (known.current === null) return;
      const outcome = applyTreeChange(known.current, change);
      if (outcome.kind === 'applied') take(outcome.tree);
      if (outcome.kind === 'jump') reload();
    },
    onGap: () => {
      // The revision may count anew (a restored database), so what is known must not outrank what is read next.
      known.current = null;
      reload();
    },
  });
  useStream({
    document: watchMachine,
    variables: { virtualMachineId: id },
    from: data && { read: data, cursor: data.cursor },
    cursorOf: (event) => event.stateTransitions.cursor,
    onData: ({ stateTransitions: { event } }) => {
      if (event?.operation) setOperationId(event.operation.id);
      if (event) reload();
    },
    onGap: reload,
  });

  if (machine && tree) return { status: 'ready', machine, tree, operationId };
  if (data && !machine) return { status: 'missing' };
  return problem ? { status: 'failed', problem, reload } : { status: 'loading' };
}
