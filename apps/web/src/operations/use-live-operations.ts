'use client';
import { useState } from 'react';
import type { OperationViewFragment } from '../../generated/graphql';
import type { Problem } from '../graphql/problem';
import { useLoad } from '../graphql/use-load';
import { useStream } from '../graphql/use-stream';
import { isUnfinished } from './operation-words';
import { loadOperations, watchOperation, watchTransitions } from './operations.graphql';

/** One page of the newest; older ones are asked for page by page in the API. */
const SHOWN = 25;

export type LiveOperations = {
  operations: OperationViewFragment[] | undefined;
  totalCount: number;
  problem: Problem | undefined;
  reload: () => void;
};

/** The newest operations, of one machine or of all: a new one asks for the list again, those that run are followed. */
export function useLiveOperations(virtualMachineId: string | null): LiveOperations {
  const filter = virtualMachineId === null ? null : { virtualMachineId };
  const { data, problem, reload } = useLoad({ document: loadOperations, variables: { first: SHOWN, after: null, filter } });
  const [progress, setProgress] = useState<ReadonlyMap<string, OperationViewFragment>>(new Map());
  const operations = data?.operations.nodes.map((read) => newerOf(read, progress.get(read.id)));
  const runningIds = operations?.filter(({ state }) => isUnfinished(state)).map(({ id }) => id) ?? [];

  useStream({
    document: watchTransitions,
    variables: { filter: { ...filter, subjectTypes: ['OPERATION', 'VM_SNAPSHOT'] } },
    from: data && { read: data, cursor: data.cursor },
    cursorOf: (event) => event.stateTransitions.cursor,
    onData: ({ stateTransitions: { event } }) => event && reload(),
    onGap: reload,
  });
  useStream({
    document: watchOperation,
    variables: runningIds.length === 0 ? null : { operationIds: runningIds.sort() },
    onData: ({ operationProgress: next }) =>
      // Only what is followed now is kept; what has ended is in the list.
      setProgress((last) => new Map([...last].filter(([id]) => runningIds.includes(id))).set(next.id, newerOf(next, last.get(next.id)))),
    onGap: reload,
  });
  return { operations, totalCount: data?.operations.totalCount ?? 0, problem, reload };
}

function newerOf(read: OperationViewFragment, followed: OperationViewFragment | undefined): OperationViewFragment {
  return followed && followed.revision > read.revision ? followed : read;
}
