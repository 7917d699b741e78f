import { CirclePause, Layers } from 'lucide-react';
import type { ReactNode } from 'react';
import type { PlanViewFragment } from '../../generated/graphql';
import { classNames } from '../ui/class-names';
import { formatBytes } from '../ui/format';
import { Notice } from '../ui/Notice';
import { Skeleton } from '../ui/Skeleton';
import { explainStep, groupByVolume, isPutOff, joinRemovals, sayCosts, sayInterruption } from './plan-words';
import { StepWords } from './StepWords';
import type { Planned } from './use-plan';

type PlanPreviewProps = {
  planned: Pick<Planned, 'plan' | 'isOld' | 'problem' | 'hasChanged'>;
  isRefused: boolean;
  /** Whether the machine is off already. */
  isOff: boolean;
  /** `by-volume` where the steps of different volumes do not depend on each other. */
  order?: 'in-order' | 'by-volume';
  /** What this plan means for people, above its steps. */
  children?: ReactNode;
};

/** What would be done, step by step, before anything is. */
export function PlanPreview({ planned, isRefused, isOff, order = 'in-order', children }: PlanPreviewProps) {
  const { plan, isOld, problem, hasChanged } = planned;
  return (
    <section aria-label="Plan" aria-busy={isOld} className="min-w-0 rounded-lg border border-line bg-sunken p-4">
      <h3 className="mb-3 text-[12px] font-semibold tracking-wide text-ink-faint uppercase">What will be done</h3>
      {plan ? (
        <div className={classNames('space-y-3 transition-opacity', isOld && 'opacity-50')}>
          {hasChanged && (
            <Notice kind="warning" title="The plan has changed">
              The machine has changed since this plan was made. Here is the new one: look at it, then confirm again.
            </Notice>
          )}
          {children}
          <Costs plan={plan} isOff={isOff} />
          {order === 'by-volume' ? <ByVolume plan={plan} /> : <InOrder steps={plan.steps} isVolumeKnown={false} />}
          {plan.warnings.map((warning) => (
            <Notice key={warning} kind="warning">
              {warning}
            </Notice>
          ))}
        </div>
      ) : isOld ? (
        <Waiting />
      ) : (
        <p className="text-ink-soft">
          {problem
            ? problem.message
            : isRefused
              ? 'Nothing, as it stands: what is wished has to be changed first.'
              : 'There is no plan to show.'}
        </p>
      )}
    </section>
  );
}

type Steps = PlanViewFragment['steps'];

function InOrder({ steps: planned, isVolumeKnown }: { steps: Steps; isVolumeKnown: boolean }) {
  const steps = joinRemovals(planned);
  return (
    <ol className="space-y-2">
      {steps.map((step, index) => (
        // Two steps of one plan may read the same, and a new plan is drawn anew.
        <Step key={`${index}-${step.description}`} step={step} number={countDone(steps, index)} isVolumeKnown={isVolumeKnown} />
      ))}
    </ol>
  );
}

/** What is put off has no number: nothing is done. */
function countDone(steps: Steps, index: number): number {
  return steps.slice(0, index + 1).filter(({ kind }) => !isPutOff(kind)).length;
}

function ByVolume({ plan }: { plan: PlanViewFragment }) {
  return groupByVolume(plan.steps).map((group) => (
    <section key={group.volume?.id ?? 'machine'} className="space-y-2">
      <h4 className="flex items-baseline gap-2 text-[12.5px] text-ink-faint">
        {group.volume ? (
          <>
            <span className="font-mono text-[13px] font-medium text-ink">{group.volume.target ?? 'detached'}</span>
            <span className="truncate">{group.volume.name}</span>
          </>
        ) : (
          'The machine'
        )}
      </h4>
      <InOrder steps={[...group.steps]} isVolumeKnown />
    </section>
  ));
}

function Step({ step, number, isVolumeKnown }: { step: Steps[number]; number: number; isVolumeKnown: boolean }) {
  const why = explainStep(step.kind);
  return (
    <li className="flex gap-2.5" data-kind={step.kind}>
      <span
        aria-hidden
        className="figures mt-px flex size-5 shrink-0 items-center justify-center rounded-full border border-line-strong bg-surface text-[11px] text-ink-faint"
      >
        {step.kind === 'KEEP_SHARED_LAYER' ? <Layers size={11} /> : step.kind === 'DEFER_MERGE' ? <CirclePause size={11} /> : number}
      </span>
      <span className="min-w-0 flex-1">
        <span className={isPutOff(step.kind) ? 'text-ink-soft' : undefined}>
          <StepWords step={step} isVolumeKnown={isVolumeKnown} />
        </span>
        {why !== null && <span className="block text-[12.5px] text-ink-faint">{why}</span>}
      </span>
      {step.bytesToMove > 0 && <span className="figures shrink-0 text-ink-faint">{formatBytes(step.bytesToMove)}</span>}
    </li>
  );
}

function Costs({ plan, isOff }: { plan: PlanViewFragment; isOff: boolean }) {
  return (
    <div className="figures space-y-2 border-b border-line pb-3">
      <dl className="grid grid-cols-2 gap-x-4 gap-y-2">
        {sayCosts(plan).map(({ name, figure }) => (
          <div key={name}>
            <dt className="text-[12px] text-ink-faint">{name}</dt>
            <dd className="text-[15px] font-medium">{figure}</dd>
          </div>
        ))}
      </dl>
      <p className="text-[12.5px] text-ink-soft">{sayInterruption(plan, isOff)}</p>
    </div>
  );
}

function Waiting() {
  return (
    <div role="status" aria-label="Working out the plan" className="space-y-2.5">
      <Skeleton className="h-4 w-11/12" />
      <Skeleton className="h-4 w-4/5" />
      <Skeleton className="h-4 w-5/6" />
    </div>
  );
}
