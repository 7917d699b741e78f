'use client';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { useEffect, useEffectEvent, useRef, useState } from 'react';
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
  onData: (data: Data) => void;
  /** Something may have been missed: read again. A stream with cursors starts anew from the next answer. */
  onGap: () => void;
};

/** Follows a subscription while the component is shown: from the cursor that was read, over lost connections, and after a gap anew. */
export function useStream<Data, Input extends Variables>(options: UseStreamOptions<Data, Input>): void {
  const live = useLive();
  const { document, variables, from } = options;
  const [readAtGap, setReadAtGap] = useState<object>();
  const gaps = useRef(0);
  const hasCursor = options.cursorOf !== undefined;
  const isReadable = !hasCursor || (from !== undefined && from.read !== readAtGap);
  const key = variables === null || !isReadable ? null : JSON.stringify(variables);

  const startVariables = useEffectEvent(() => (options.from ? { ...options.variables, after: options.from.cursor } : options.variables));
  const cursorOf = useEffectEvent((data: Data) => options.cursorOf?.(data));
  const onData = useEffectEvent((data: Data) => {
    gaps.current = 0;
    options.onData(data);
  });
  const onGap = useEffectEvent(() => {
    setReadAtGap(options.from?.read);
    options.onGap();
  });

  useEffect(() => {
    if (live === null || key === null) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = followStream<Data>({
      client: live.client,
      document,
      variables: startVariables() ?? {},
      hasCursor,
      cursorOf: (data) => cursorOf(data),
      onData: (data) => onData(data),
      onGap: () => {
        // Waits longer each time: an event that can never be read must not become a storm of queries.
        clearTimeout(timer);
        timer = setTimeout(() => onGap(), backOffMs(gaps.current++, Math.random()));
      },
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [live, document, key, hasCursor]);
}
