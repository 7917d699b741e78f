import { Ban, Check, Circle, LoaderCircle, X } from 'lucide-react';
import type { OperationState, OperationViewFragment } from '../../generated/graphql';
import { classNames } from '../ui/class-names';
import { formatDuration } from '../ui/format';
import { lengthMs, sayOperationState } from './operation-words';

const ICONS: Record<OperationState, { icon: typeof Check; look: string }> = {
  QUEUED: { icon: Circle, look: 'text-line-strong' },
  RUNNING: { icon: LoaderCircle, look: 'text-busy animate-spin' },
  CANCELLING: { icon: LoaderCircle, look: 'text-warn animate-spin' },
  SUCCEEDED: { icon: Check, look: 'text-good' },
  FAILED: { icon: X, look: 'text-bad' },
  CANCELLED: { icon: Ban, look: 'text-ink-faint' },
};

/** The steps of an operation, in order, each with its state and how long it took. */
export function OperationSteps({ steps }: { steps: OperationViewFragment['steps'] }) {
  return (
    <ol aria-label="Steps" className="grid gap-x-8 gap-y-1.5 lg:grid-cols-2">
      {steps.map((step, index) => {
        const { icon: Icon, look } = ICONS[step.state];
        const took = lengthMs(step);
        return (
          // A plan's steps never change their order, and two of them may read the same.
          <li key={index} className="flex items-start gap-2.5">
            <Icon size={15} aria-hidden className={classNames('mt-0.5 shrink-0', look)} />
            <span className={classNames('min-w-0 flex-1', step.state === 'QUEUED' && 'text-ink-faint')}>
              {step.description}
              <span className="sr-only">: {sayOperationState(step.state).label}</span>
            </span>
            <span className="figures shrink-0 text-[12.5px] text-ink-faint">
              {step.state === 'RUNNING' && step.progress
                ? `${Math.round(step.progress.percent)} %`
                : took === null
                  ? ''
                  : formatDuration(took)}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
