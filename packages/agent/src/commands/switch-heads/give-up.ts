import { failureCode } from '@coppice/protocol';
import { withSources } from '../../definition/domain-xml.js';
import { CommandProblem, HypervisorLost } from '../../failure.js';
import { type CommandContext, notesOf } from '../context.js';
import { drifted, viewMachine } from '../machine-view.js';
import { takeNvramBack } from './nvram.js';
import { type Before, isSwitched, notedBefore, type SwitchPlan } from './switch-plan.js';

/** Whether this command has decided to fail: then a repeat goes on with that, and tries nothing else. */
export function hasGivenUp(context: CommandContext): boolean {
  return notesOf(context, 'giving-up').length > 0;
}

/**
 * Makes the machine what it was before the command, as nothing has been written into a new head: the old definition, its NVRAM, started
 * again if it ran. Then throws why. `error`: undefined in a repeat, which finds it in the journal.
 */
export async function giveUp(plan: SwitchPlan, context: CommandContext, error?: unknown): Promise<never> {
  if (error instanceof HypervisorLost) throw error;
  if (!hasGivenUp(context)) await noteProblem(error, context);
  const problem = notedProblem(context, error);
  const before = notedBefore(context);
  if (before === null) throw problem;
  try {
    await putBack(plan, before, context);
  } catch (cause) {
    if (cause instanceof HypervisorLost) throw cause;
    throw worse(problem, `What it was could not be put back: ${messageOf(cause)}`, 'REPOINTED');
  }
  throw worse(problem, await startedAgain(plan, before, context), 'NOTHING');
}

async function putBack(plan: SwitchPlan, before: Before, context: CommandContext): Promise<void> {
  const view = await viewMachine(context.hypervisor, plan.body.machineUuid);
  if (!(await isSwitched(plan, view.inactive, context))) return;
  if (view.facts.power !== 'OFF') throw drifted('It runs on the new layers.');
  await takeNvramBack(context);
  await context.hypervisor.define(withSources(before.inactiveXml, new Map()));
}

/** What became of it, as a sentence. */
async function startedAgain({ body }: SwitchPlan, { power }: Before, context: CommandContext): Promise<string> {
  const asBefore = 'Its disks and its definition are as before';
  if (power === 'OFF') return `${asBefore}.`;
  const { facts } = await viewMachine(context.hypervisor, body.machineUuid);
  if (facts.power !== 'OFF') return `${asBefore}, and it runs.`;
  try {
    await context.hypervisor.start(body.machineUuid, { isPaused: power === 'PAUSED' });
    return `${asBefore}; it was stopped and started again.`;
  } catch (error) {
    if (error instanceof HypervisorLost) throw error;
    context.log.error({ err: error, machineUuid: body.machineUuid }, 'a machine that was stopped for a revert could not be started again');
    return `${asBefore}; it was stopped, and could not be started again: ${messageOf(error)}`;
  }
}

async function noteProblem(error: unknown, context: CommandContext): Promise<void> {
  const { code, message, retryable, hint } =
    error instanceof CommandProblem
      ? error
      : { code: 'INTERNAL', message: 'The agent met an error that it does not know.', retryable: false, hint: null };
  context.log.warn({ err: error }, 'the revert is given up');
  await context.note('giving-up', { code, message, retryable: String(retryable), ...(hint === null ? {} : { hint }) });
}

function notedProblem(context: CommandContext, cause: unknown): CommandProblem {
  const { code, message = '', retryable, hint } = notesOf(context, 'giving-up').at(-1)?.detail ?? {};
  const facts = { code: failureCode.catch('INTERNAL').parse(code), message, retryable: retryable === 'true', cause };
  return new CommandProblem(hint === undefined ? facts : { ...facts, hint });
}

function worse(problem: CommandProblem, whatBecame: string, left: 'NOTHING' | 'REPOINTED'): CommandProblem {
  const { code, retryable, hint, cause } = problem;
  const message = `${problem.message.replace(/ Nothing was changed\.$/, '')} ${whatBecame}`;
  return new CommandProblem({ code, retryable, cause, left, message, ...(hint === null ? {} : { hint }) });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
