'use client';
import { Activity, ArrowRight } from 'lucide-react';
import Link from 'next/link';
import type { TransitionFilter, TransitionViewFragment } from '../../generated/graphql';
import { machinePath } from '../machines/machine-path';
import { Badge, type Tone } from '../ui/Badge';
import { Button } from '../ui/Button';
import { classNames } from '../ui/class-names';
import { formatEnum } from '../ui/format';
import { EmptyState, FailedState } from '../ui/Notice';
import { SkeletonRows } from '../ui/Skeleton';
import { TimeAgo } from '../ui/TimeAgo';
import { saySubject } from './operation-words';
import { useLiveTransitions } from './use-live-transitions';

type FeedProps = { virtualMachineId?: string; subjectId?: string; isCompact?: boolean };

/** Every move of a state machine that the visitor may see: of all, of one machine, or of one thing. */
export function ActivityFeed({ virtualMachineId, subjectId, isCompact = false }: FeedProps) {
  const { transitions, hasMore, problem, reload } = useLiveTransitions(toFilter(virtualMachineId, subjectId));
  if (!transitions && problem?.kind === 'failed') {
    return (
      <FailedState title="The history could not be read" action={<Button onClick={reload}>Try again</Button>}>
        {problem.message}
      </FailedState>
    );
  }
  if (!transitions) return <SkeletonRows label="Loading the history" rows={isCompact ? 2 : 5} />;
  if (transitions.length === 0) {
    return isCompact ? (
      <p className="px-4 pb-3 text-ink-faint">Nothing yet.</p>
    ) : (
      <EmptyState icon={<Activity size={20} aria-hidden />} title="Nothing has happened yet">
        Every change of a machine, a snapshot or a host is recorded here, for ever.
      </EmptyState>
    );
  }
  return (
    <>
      <ol className="divide-y divide-line">
        {transitions.map((transition) => (
          <TransitionRow key={transition.cursor} transition={transition} isCompact={isCompact} />
        ))}
      </ol>
      {hasMore && !isCompact && (
        <p className="border-t border-line px-4 py-2.5 text-[12.5px] text-ink-faint">Older ones are kept; here are the newest.</p>
      )}
    </>
  );
}

function toFilter(virtualMachineId: string | undefined, subjectId: string | undefined): TransitionFilter | null {
  if (subjectId !== undefined) return { subjectId };
  return virtualMachineId === undefined ? null : { virtualMachineId };
}

function TransitionRow({ transition, isCompact }: { transition: TransitionViewFragment; isCompact: boolean }) {
  const subject = saySubject(transition.subjectType, transition.subject);
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2">
      {!isCompact && (
        <span className="min-w-0 flex-1 truncate max-sm:basis-full">
          <span className="mr-2 inline-block w-19 text-ink-faint">{subject.type}</span>
          {subject.machineId === null ? (
            <span className="font-medium">{subject.name}</span>
          ) : (
            <Link href={machinePath(subject.machineId)} className="rounded font-medium hover:underline">
              {subject.name}
            </Link>
          )}
        </span>
      )}
      <span className={classNames('flex items-center gap-1.5', !isCompact && 'sm:w-52')}>
        {transition.from && (
          <>
            <span className="text-[12.5px] text-ink-faint">{formatEnum(transition.from)}</span>
            <ArrowRight size={12} aria-label="to" className="text-ink-faint" />
          </>
        )}
        <Badge tone={toneOf(transition.to)}>{formatEnum(transition.to)}</Badge>
      </span>
      {!isCompact && <span className="w-44 truncate text-[12.5px] text-ink-faint max-md:hidden">{transition.actor.name}</span>}
      <span className="figures ml-auto w-20 text-right text-[12.5px] text-ink-faint">
        <TimeAgo at={transition.at} />
      </span>
      {transition.reason && <p className="basis-full text-[12.5px] text-ink-soft">{transition.reason}</p>}
    </li>
  );
}

const TONES: Record<string, Tone> = {
  READY: 'good',
  RUNNING: 'good',
  SUCCEEDED: 'good',
  UP: 'good',
  ERROR: 'bad',
  FAILED: 'bad',
  DISCONNECTED: 'warn',
  CREATING: 'busy',
  SNAPSHOTTING: 'busy',
  REVERTING: 'busy',
};

function toneOf(state: string): Tone {
  return TONES[state] ?? 'plain';
}
