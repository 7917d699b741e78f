/** Fields that the inputs of many mutations have alike. */
import { Field } from 'type-graphql';

/** `idempotencyKey`: what makes a repeat after a lost answer harmless. */
export function IdempotencyKey(): PropertyDecorator {
  const description =
    'Per project and caller, kept 24 h: the same key and input give the same operation again, another input IDEMPOTENCY_CONFLICT. At most 200 characters.';
  return Field(() => String, { nullable: true, description });
}

/** `planHash`: what the caller has agreed to. */
export function PlanHash(): PropertyDecorator {
  return Field(() => String, { nullable: true, description: 'Do exactly the plan with this hash, or answer PLAN_CHANGED.' });
}
