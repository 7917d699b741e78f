'use client';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import type { AnyVariables } from '@urql/core';
import { useCallback, useEffect, useEffectEvent, useRef, useState } from 'react';
import { useClient } from 'urql';
import { useLive } from './ApiProvider';
import { createLoader, type Loader } from './loader';
import { type Problem, toProblem } from './problem';

/** `data` is the newest answer and stays while a later question fails; `problem` is that of the newest question. */
export type Loaded<Data> = { data: Data | undefined; problem: Problem | undefined; reload: () => void };

type Answer<Data> = { key: string; data: Data | undefined; problem: Problem | undefined };

export type UseLoadOptions<Data, Variables extends AnyVariables> = {
  document: TypedDocumentNode<Data, Variables>;
  variables: Variables;
  /** Called with each answer, in the order in which they were asked for. */
  onData?: (data: Data) => void;
};

/**
 * Asks a query when the component appears, again when `reload` is called (events call it; nothing polls), and again after the live connection
 * was lost and is back. Unreachable answers are repeated by themselves.
 */
export function useLoad<Data, Variables extends AnyVariables>(options: UseLoadOptions<Data, Variables>): Loaded<Data> {
  const client = useClient();
  const live = useLive();
  const loader = useRef<Loader | null>(null);
  const [answer, setAnswer] = useState<Answer<Data> | null>(null);
  const { document } = options;
  const key = JSON.stringify(options.variables);

  const ask = useEffectEvent(() => client.query(document, options.variables, { requestPolicy: 'network-only' }).toPromise());
  const take = useEffectEvent((next: Answer<Data>) => {
    setAnswer((last) => ({ ...next, data: next.data ?? (last?.key === next.key ? last.data : undefined) }));
    if (next.data !== undefined) options.onData?.(next.data);
  });

  useEffect(() => {
    const created = createLoader<Answer<Data>>({
      load: async () => {
        const result = await ask();
        return { key, data: result.data, problem: result.error ? toProblem(result.error) : undefined };
      },
      onAnswer: (next) => take(next),
      isUnreachable: (next) => next.problem?.kind === 'unreachable',
    });
    loader.current = created;
    return () => created.stop();
  }, [key]);

  const reload = useCallback(() => loader.current?.request(), []);
  useEffect(() => live?.onReconnected(reload), [live, reload]);
  return answer?.key === key ? { data: answer.data, problem: answer.problem, reload } : { data: undefined, problem: undefined, reload };
}
