'use client';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { useCallback, useEffect, useEffectEvent, useState } from 'react';
import { useClient } from 'urql';
import type { PlanViewFragment, UserErrorViewFragment } from '../../generated/graphql';
import { useLive } from '../graphql/ApiProvider';
import { type Problem, toProblem } from '../graphql/problem';

/** How long an input rests before its plan is asked for, in ms: long enough not to ask at each key, short enough to feel at once. */
const REST_MS = 250;

/** What the API answers to a plan query. */
export type PlanAnswer = { plan?: PlanViewFragment | null | undefined; errors: readonly UserErrorViewFragment[] };

export type UsePlanOptions<Data, Input> = {
  document: TypedDocumentNode<Data, { input: Input }>;
  /** Null: nothing is asked for yet. */
  input: Input | null;
  read: (data: Data) => PlanAnswer;
  /** What else the plan depends on (the machine, its tree): when this changes, the same question is asked again. */
  since: string;
};

export type Planned = {
  plan: PlanViewFragment | null;
  errors: readonly UserErrorViewFragment[];
  problem: Problem | undefined;
  /** The input has changed since, or was never answered: what is shown is not what would be done now. */
  isOld: boolean;
  /** The same input leads to other steps than it did when it was asked first: somebody or something else changed the machine. */
  hasChanged: boolean;
  /** Puts in the plan that the API sent with PLAN_CHANGED. */
  replace: (plan: PlanViewFragment) => void;
};

type Answered = Pick<Planned, 'plan' | 'errors' | 'problem'> & {
  question: string | undefined;
  asked: string;
  firstHash: string | undefined;
};

const NOTHING: Answered = { plan: null, errors: [], problem: undefined, question: undefined, asked: '', firstHash: undefined };

/** The plan for an input, asked anew when the input has rested; the newest question wins, and the last plan stays, marked old, meanwhile. */
export function usePlan<Data, Input>({ document, input, read, since }: UsePlanOptions<Data, Input>): Planned {
  const client = useClient();
  const live = useLive();
  const [answered, setAnswered] = useState(NOTHING);
  const [reconnections, setReconnections] = useState(0);
  const asked = JSON.stringify(input);
  const question = `${asked} ${since} ${reconnections}`;
  useEffect(() => live?.onReconnected(() => setReconnections((count) => count + 1)), [live]);

  const ask = useEffectEvent(async () => {
    if (input === null) return null;
    const { data, error } = await client.query(document, { input }, { requestPolicy: 'network-only' }).toPromise();
    const answer = data === undefined ? undefined : read(data);
    return { plan: answer?.plan ?? null, errors: answer?.errors ?? [], problem: error && toProblem(error), asked };
  });
  useEffect(() => {
    let isStopped = false;
    const answer = async () => {
      const next = await ask();
      if (isStopped || next === null) return;
      setAnswered((last) => ({
        ...next,
        question,
        firstHash: last.asked === next.asked ? (last.firstHash ?? next.plan?.hash) : next.plan?.hash,
      }));
    };
    const timer = setTimeout(() => void answer(), REST_MS);
    return () => {
      isStopped = true;
      clearTimeout(timer);
    };
  }, [question]);

  const replace = useCallback((plan: PlanViewFragment) => setAnswered((last) => ({ ...last, plan, errors: [] })), []);
  const { plan, errors, problem, firstHash } = answered;
  const hasChanged = plan !== null && firstHash !== undefined && plan.hash !== firstHash;
  return { plan, errors, problem, isOld: answered.question !== question, hasChanged, replace };
}
