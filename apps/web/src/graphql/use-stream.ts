'use client';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { useEffect, useRef, useState } from 'react';
import { useLive } from './ApiProvider';
import { backOffMs } from './back-off';
import { followStream } from './follow-stream';

type Variables = Record<string, unknown>;

export type UseStreamOptions<Data, Input extends Variables> = {
  document: TypedDocumentNode<Data, Input>;
  /** Without `after`. Null: not yet. */
  variables: Omit<Input, 'after'> | null;
  /** The newest answer that was read and the cursor in it; undefined: not read yet. A running stream is ahead of later answers and stays. */
  from?: { read: object; cursor: string } | undefined;
  /** The cursor of an event; only together with `from`. */
  cursorOf?: (data: Data) => string;
  onData(data: Data): void;
  /** Something may have been missed: read again. The stream starts anew from the next answer. */
  onGap(): void;
};

/** Follows a subscription while the component is shown: from the cursor that was read, over lost connections, and after a gap anew. */
export function useStream<Data, Input extends Variables>(options: UseStreamOptions<Data, Input>): void {
  const live = useLive();
  const newest = useRef(options);
  newest.current = options;
  const gap = useRef<{ count: number; read: object | undefined }>({ count: 0, read: undefined });
  const [epoch, setEpoch] = useState(0);
  const { document, variables, from, cursorOf } = options;
  const isReadable = cursorOf === undefined || (from !== undefined && from.read !== gap.current.read);
  const key = variables === null || !isReadable ? null : JSON.stringify(variables);

  useEffect(() => {
    if (live === null || key === null) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = followStream<Data>({
      client: live.client,
      document,
      variables: { ...newest.current.variables, ...(newest.current.from ? { after: newest.current.from.cursor } : {}) },
      ...(cursorOf ? { cursorOf } : {}),
      onData: (data) => {
        gap.current.count = 0;
        newest.current.onData(data);
      },
      onGap: () => {
        // Waits longer each time: an event that can never be read must not become a storm of queries.
        timer = setTimeout(
          () => {
            gap.current.read = newest.current.from?.read;
            setEpoch((last) => last + 1);
            newest.current.onGap();
          },
          backOffMs(gap.current.count++, Math.random()),
        );
      },
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
    // cursorOf is a pure function of the document; a new closure of it is no reason to start anew.
  }, [live, document, key, epoch]);
}
