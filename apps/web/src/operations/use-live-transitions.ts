'use client';
import { useState } from 'react';
import type { TransitionFilter, TransitionViewFragment } from '../../generated/graphql';
import type { Problem } from '../graphql/problem';
import { useLoad } from '../graphql/use-load';
import { useStream } from '../graphql/use-stream';
import { mergeTransitions, refreshTransitions } from './merge-transitions';
import { loadTransitions, watchTransitions } from './operations.graphql';

/** How many are read at first, and how many are kept while new ones come. */
const FIRST = 50;
const KEPT_MAX = 200;

export type LiveTransitions = {
  transitions: TransitionViewFragment[] | undefined;
  hasMore: boolean;
  problem: Problem | undefined;
  reload: () => void;
};

/** The history of what the filter names, newest first; new ones come in at the top. */
export function useLiveTransitions(filter: TransitionFilter | null): LiveTransitions {
  const [transitions, setTransitions] = useState<TransitionViewFragment[]>();
  const { data, problem, reload } = useLoad({
    document: loadTransitions,
    variables: { first: FIRST, after: null, filter },
    onData: (read) => setTransitions((last) => refreshTransitions(last ?? [], read.stateTransitions.nodes, KEPT_MAX)),
  });

  useStream({
    document: watchTransitions,
    variables: { filter },
    from: data && { read: data, cursor: data.cursor },
    cursorOf: (event) => event.stateTransitions.cursor,
    onData: ({ stateTransitions: { event } }) => {
      if (event) setTransitions((last) => mergeTransitions(last ?? [], [event], KEPT_MAX));
    },
    onGap: reload,
  });

  return { transitions: data ? transitions : undefined, hasMore: data?.stateTransitions.pageInfo.hasNextPage ?? false, problem, reload };
}
