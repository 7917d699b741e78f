'use client';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { useRef, useState } from 'react';
import { useClient } from 'urql';
import { newIdempotencyKey } from './idempotency-key';
import { type Problem, toProblem } from './problem';

export type UseSubmissionOptions<Data, Input, Refusal> = {
  document: TypedDocumentNode<Data, { input: Input }>;
  /** The refusals in an answer; none: it was taken on. */
  read: (data: Data) => readonly Refusal[];
  /** For inputs without an idempotency key (they do one thing, however often they come). */
  isPlain?: boolean;
};

export type Submission<Input, Refusal> = {
  /** Sends it. What came back is also in the other fields; `isDone`: it was taken on. */
  submit: (input: Input) => Promise<{ isDone: boolean; errors: readonly Refusal[] }>;
  errors: readonly Refusal[];
  /** Set where no answer came: it may have been taken on or not. */
  problem: Problem | undefined;
  isBusy: boolean;
  /** Puts the last answer away: what is wished has changed since. */
  forget: () => void;
};

type Answer<Refusal> = { errors: readonly Refusal[]; problem: Problem | undefined; isBusy: boolean };

/**
 * Sends one mutation. The idempotency key stays the same until an answer is there: trying again after a lost answer cannot do it twice, and
 * a second wish after a refusal is a new one.
 */
export function useSubmission<Data, Input extends object, Refusal>(
  options: UseSubmissionOptions<Data, Input, Refusal>,
): Submission<Input, Refusal> {
  const client = useClient();
  const key = useRef<string>(undefined);
  const isOut = useRef(false);
  const [answer, setAnswer] = useState<Answer<Refusal>>({ errors: [], problem: undefined, isBusy: false });

  async function submit(input: Input): Promise<{ isDone: boolean; errors: readonly Refusal[] }> {
    if (isOut.current) return { isDone: false, errors: [] };
    isOut.current = true;
    key.current ??= newIdempotencyKey();
    setAnswer((last) => ({ ...last, isBusy: true }));
    const whole = options.isPlain === true ? input : { ...input, idempotencyKey: key.current };
    const { data, error } = await client.mutation(options.document, { input: whole }).toPromise();
    const errors = data === undefined ? [] : options.read(data);
    const problem = error && toProblem(error);
    if (problem?.kind !== 'unreachable') key.current = undefined;
    isOut.current = false;
    setAnswer({ errors, problem, isBusy: false });
    return { isDone: error === undefined && errors.length === 0, errors };
  }

  const forget = () => setAnswer((last) => ({ errors: [], problem: undefined, isBusy: last.isBusy }));
  return { submit, forget, ...answer };
}
