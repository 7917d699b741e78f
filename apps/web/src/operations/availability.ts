/** Whether a button may be pressed, by what the API says in `actions`. Pure. */
import type { Action } from '../../generated/graphql';

type Availability = { action: Action; enabled: boolean; reason?: string | null | undefined };

/** Why an action cannot be asked for now, in a sentence; undefined where it can. One that the API does not list is not for this visitor. */
export function whyNot(actions: readonly Availability[], action: Action): string | undefined {
  const found = actions.find((each) => each.action === action);
  if (found?.enabled === true) return undefined;
  return found?.reason ?? 'This cannot be done now.';
}

/** Why none of several can be asked for: where at least one may be, undefined, and the dialog says what is wrong with the others. */
export function whyNoneOf(each: readonly { actions: readonly Availability[] }[], action: Action): string | undefined {
  const reasons = each.map(({ actions }) => whyNot(actions, action));
  return reasons.includes(undefined) ? undefined : reasons[0];
}
