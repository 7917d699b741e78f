/**
 * What an operation does, as it is recorded when it is planned: its commands in order, each with the steps of the plan that people see it
 * carry out. The same commands are sent after any restart, so a plan means what it meant when it was confirmed.
 */
import { commandBody } from '@coppice/protocol';
import { z } from 'zod';

/** One command of a program. `steps`: positions in the operation's steps. `phase`: what it does, in a few words for people. */
const stage = z.object({ body: commandBody, steps: z.array(z.int().nonnegative()), phase: z.string() });

/** What operation.plan holds: the slice's own record beside the program. */
const planned = z.object({ record: z.unknown(), program: z.array(stage) });

export type Stage = z.infer<typeof stage>;

/** A record as it can be stored: JSON all through. */
export type JsonRecord = { readonly [name: string]: JsonValue };
type JsonValue = string | number | boolean | null | JsonRecord | readonly JsonValue[];

/** What operation.plan gets. */
export function planJson(record: JsonRecord, program: readonly Stage[]): JsonRecord {
  return { record, program: program.map(({ body, steps, phase }) => ({ body, steps, phase })) };
}

/** Reads operation.plan back. */
export function readPlan(plan: unknown): { record: unknown; program: Stage[] } {
  const { record, program } = planned.parse(plan);
  return { record, program };
}
