/** Whether a plan may be agreed to now. Pure. */
import type { PlanViewFragment, UserErrorViewFragment } from '../../generated/graphql';
import type { Planned } from './use-plan';

/** Why an action that takes something away cannot be confirmed yet; undefined where the plan that is shown is the one that would be done. */
export function whyNotAgreeable(planned: Pick<Planned, 'plan' | 'isOld' | 'errors' | 'problem'>): string | undefined {
  if (planned.isOld) return 'The plan is being worked out.';
  const [refusal] = planned.errors;
  if (refusal) return refusal.message;
  if (planned.problem) return planned.problem.message;
  return planned.plan === null ? 'There is no plan to agree to.' : undefined;
}

/** The plan that came with PLAN_CHANGED, where a refusal is that. */
export function changedPlanIn(errors: readonly UserErrorViewFragment[]): PlanViewFragment | undefined {
  for (const error of errors) if (error.__typename === 'PlanChanged') return error.plan;
  return undefined;
}

/** The refusals but PLAN_CHANGED: that one is said where the new plan is shown. */
export function withoutPlanChanged(errors: readonly UserErrorViewFragment[]): UserErrorViewFragment[] {
  return errors.filter((error) => error.__typename !== 'PlanChanged');
}
