import { Ban, Check, Circle, LoaderCircle, X } from 'lucide-react';
import type { OperationState, OperationViewFragment } from '../../generated/graphql';
import { classNames } from '../ui/class-names';
import { formatDuration } from '../ui/format';
import { ProgressBar } from '../ui/ProgressBar';
import { StepWords } from './StepWords';
import { lengthMs, sayOperationState, sayProgress } from './operation-words';

const ICONS: Record<OperationState, { icon: typeof Check; look: string }> = {
  QUEUED: { icon: Circle, look: 'text-line-strong' },
  RUNNING: { icon: LoaderCircle, look: 'text-busy animate-spin' },
  CANCELLING: { icon: LoaderCircle, look: 'text-warn animate-spin' },
  SUCCEEDED: { icon: Check, look: 'text-good' },
  FAILED: { icon: X, look: 'text-bad' },
  CANCELLED: { icon: Ban, look: 'text-ink-faint' },
};

type Step = OperationViewFragment['steps'][number];

/** The steps of an operation, in order, each with its state, how far it is, and how long it took. */
export function OperationSteps({ steps }: { steps: readonly Step[] }) {
  return (
    <ol aria-label="Steps" className="grid gap-x-8 gap-y-1.5 lg:grid-cols-2">
      {steps.map((step, index) => (
        // A plan's steps never change their order, and two of them may read the same.
        <StepRow key={index} step={step} />
      ))}
    </ol>
  );
}

function StepRow({ step }: { step: Step }) {
  const { icon: Icon, look } = ICONS[step.state];
  const took = lengthMs(step);
  const moves = step.state === 'RUNNING' && (step.progress?.bytesTotal ?? 0) > 0 ? step.progress : null;
  return (
    <li className="flex items-start gap-2.5">
      <Icon size={15} aria-hidden className={classNames('mt-0.5 shrink-0', look)} />
      <div className="min-w-0 flex-1">
        <p className={classNames(step.state === 'QUEUED' && 'text-ink-faint')}>
          <StepWords step={step} />
          <span className="sr-only">: {sayOperationState(step.state).label}</span>
        </p>
        {moves && (
          <div className="mt-1 space-y-1">
            <ProgressBar percent={moves.percent} label={step.description} />
            <p className="figures text-[12px] text-ink-faint">{sayProgress(moves)}</p>
          </div>
        )}
      </div>
      <span className="figures shrink-0 text-[12.5px] text-ink-faint">
        {step.state === 'RUNNING' && step.progress ? `${Math.round(step.progress.percent)} %` : took === null ? '' : formatDuration(took)}
      </span>
    </li>
  );
}
