'use client';
import { useEffect, useEffectEvent, useRef, useState } from 'react';
import { useClient } from 'urql';
import type { CreateVmSnapshotInput, PlanViewFragment, UserErrorViewFragment } from '../../generated/graphql';
import type { MachineView } from '../machines/use-live-machine';
import { newIdempotencyKey } from '../graphql/idempotency-key';
import { type Problem, toProblem } from '../graphql/problem';
import { createSnapshot, planSnapshot } from './vm-snapshots.graphql';

/** How long typing rests before the plan is asked for again, in ms. */
const REST_MS = 250;

/** What the form holds. `volumeIds` null: all volumes. */
export type SnapshotWish = { name: string; description: string; isQuiesced: boolean; volumeIds: readonly string[] | null };

export type Planned = {
  plan: PlanViewFragment | null;
  errors: readonly UserErrorViewFragment[];
  problem: Problem | undefined;
  isOld: boolean;
};

function toInput(virtualMachineId: string, wish: SnapshotWish): CreateVmSnapshotInput {
  return {
    virtualMachineId,
    name: wish.name.trim() || null,
    description: wish.description.trim() || null,
    quiesce: wish.isQuiesced,
    volumeIds: wish.volumeIds === null ? null : [...wish.volumeIds],
  };
}

type Answered = Omit<Planned, 'isOld'> & { question: string | undefined };

/** The plan for a wish, asked anew when the wish has rested; the last plan stays, marked old, meanwhile. */
export function usePlan(machine: MachineView, wish: SnapshotWish): Planned {
  const client = useClient();
  const [answered, setAnswered] = useState<Answered>({ plan: null, errors: [], problem: undefined, question: undefined });
  // What the machine does meanwhile can change the plan, or refuse it, or allow it again.
  const question = JSON.stringify([toInput(machine.id, wish), machine.state, machine.operation?.id ?? null, machine.snapshotTree.revision]);
  const ask = useEffectEvent(() => client.query(planSnapshot, { input: toInput(machine.id, wish) }).toPromise());
  useEffect(() => {
    let isStopped = false;
    const answer = async () => {
      const { data, error } = await ask();
      const payload = data?.planCreateVmSnapshot;
      if (isStopped) return;
      setAnswered({ plan: payload?.plan ?? null, errors: payload?.errors ?? [], problem: error && toProblem(error), question });
    };
    const timer = setTimeout(() => void answer(), REST_MS);
    return () => {
      isStopped = true;
      clearTimeout(timer);
    };
  }, [question]);
  return { ...answered, isOld: answered.question !== question };
}

export type Submission = {
  submit: (wish: SnapshotWish, planHash: string | null) => Promise<boolean>;
  errors: readonly UserErrorViewFragment[];
  /** Set where no answer came: the snapshot may be on its way. */
  problem: Problem | undefined;
  /** The new plan, where the one that was agreed to does not hold any more. */
  changedPlan: PlanViewFragment | undefined;
  isBusy: boolean;
  /** Puts the last answer away: the wish has changed since. */
  forget: () => void;
};

const NO_ANSWER = { errors: [], problem: undefined, changedPlan: undefined, isBusy: false };

/** Takes the snapshot. One idempotency key as long as the dialog is open: a second try after a lost answer cannot take two. */
export function useTakeSnapshot(virtualMachineId: string): Submission {
  const client = useClient();
  const idempotencyKey = useRef<string>(undefined);
  const [answer, setAnswer] = useState<Omit<Submission, 'submit' | 'forget'>>(NO_ANSWER);

  async function submit(wish: SnapshotWish, planHash: string | null): Promise<boolean> {
    idempotencyKey.current ??= newIdempotencyKey();
    setAnswer((last) => ({ ...last, isBusy: true }));
    const input = { ...toInput(virtualMachineId, wish), planHash, idempotencyKey: idempotencyKey.current };
    const { data, error } = await client.mutation(createSnapshot, { input }).toPromise();
    const errors = data?.createVmSnapshot.errors ?? [];
    const changed = errors.find((each) => each.__typename === 'PlanChanged');
    setAnswer({
      errors,
      problem: error && toProblem(error),
      changedPlan: changed && 'plan' in changed ? changed.plan : undefined,
      isBusy: false,
    });
    return !error && errors.length === 0;
  }

  return { submit, forget: () => setAnswer(NO_ANSWER), ...answer };
}
