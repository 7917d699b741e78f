import type { PlanViewFragment } from '../../generated/graphql';
import type { Problem } from '../graphql/problem';
import { classNames } from '../ui/class-names';
import { formatBytes, formatDuration } from '../ui/format';
import { Notice } from '../ui/Notice';
import { Skeleton } from '../ui/Skeleton';

type PlanPreviewProps = { plan: PlanViewFragment | null; isOld: boolean; problem: Problem | undefined; isRefused: boolean };

/** What would be done, step by step, before anything is. */
export function PlanPreview({ plan, isOld, problem, isRefused }: PlanPreviewProps) {
  return (
    <section aria-label="Plan" aria-busy={isOld} className="min-w-0 rounded-lg border border-line bg-sunken p-4">
      <h3 className="mb-3 text-[12px] font-semibold tracking-wide text-ink-faint uppercase">What will be done</h3>
      {plan ? (
        <Steps plan={plan} isOld={isOld} />
      ) : isOld ? (
        <Waiting />
      ) : (
        <p className="text-ink-soft">
          {problem ? problem.message : isRefused ? 'Nothing, as it stands: see what is said beside.' : 'There is no plan to show.'}
        </p>
      )}
    </section>
  );
}

function Steps({ plan, isOld }: { plan: PlanViewFragment; isOld: boolean }) {
  return (
    <div className={classNames('space-y-3 transition-opacity', isOld && 'opacity-50')}>
      <ol className="space-y-2">
        {plan.steps.map((step, index) => (
          <li key={`${step.kind}-${step.volume?.id ?? ''}-${step.description}`} className="flex gap-2.5">
            <span
              aria-hidden
              className="figures mt-px flex size-5 shrink-0 items-center justify-center rounded-full border border-line-strong bg-surface text-[11px] text-ink-faint"
            >
              {index + 1}
            </span>
            <span className="min-w-0 flex-1">{step.description}</span>
            {step.bytesToMove > 0 && <span className="figures shrink-0 text-ink-faint">{formatBytes(step.bytesToMove)}</span>}
          </li>
        ))}
      </ol>
      <p className="figures border-t border-line pt-2.5 text-[12.5px] text-ink-soft">
        Writes {formatBytes(plan.bytesToMove)}
        {plan.peakExtraBytes > 0 && `, needs up to ${formatBytes(plan.peakExtraBytes)} of free space`}
        {plan.estimatedSeconds !== null &&
          plan.estimatedSeconds !== undefined &&
          `, takes about ${formatDuration(plan.estimatedSeconds * 1_000)}`}
        .{plan.stopsMachine ? ' The machine is stopped for it.' : ' The machine is not stopped.'}
      </p>
      {plan.warnings.map((warning) => (
        <Notice key={warning} kind="warning">
          {warning}
        </Notice>
      ))}
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
