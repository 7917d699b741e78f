'use client';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { useEffect, useRef } from 'react';
import { useLive } from './ApiProvider';
import { followStream } from './follow-stream';

export type UseStreamOptions<Data, Variables extends Record<string, unknown>> = {
  document: TypedDocumentNode<Data, Variables>;
  /** Null: not yet. `after` in it is where the stream starts; only a change of `epoch` or of the other variables starts it anew. */
  start: { epoch: number; variables: Variables } | null;
  cursorOf?: (data: Data) => string;
  onData(data: Data): void;
  onGap(): void;
};

/** Follows a subscription while the component is shown. */
export function useStream<Data, Variables extends Record<string, unknown>>(options: UseStreamOptions<Data, Variables>): void {
  const live = useLive();
  const newest = useRef(options);
  newest.current = options;
  const { document, start } = options;
  const key = start === null ? null : JSON.stringify([start.epoch, { ...start.variables, after: undefined }]);

  useEffect(() => {
    const now = newest.current;
    if (live === null || key === null || now.start === null) return undefined;
    return followStream<Data, Variables>({
      client: live.client,
      document,
      variables: now.start.variables,
      ...(now.cursorOf ? { cursorOf: now.cursorOf } : {}),
      onData: (data) => newest.current.onData(data),
      onGap: () => newest.current.onGap(),
    });
  }, [live, document, key]);
}
