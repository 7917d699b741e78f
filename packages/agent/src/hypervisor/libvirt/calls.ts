/** What the agent asks of its libvirt child: names, arguments and answers, checked where they cross the process border. */
import { z } from 'zod';
import { blockJobAnswers, type BlockJobCallArguments } from './block-job-calls.js';
import { libvirtProblem, machineAnswers, type MachineCallArguments, rawMachine } from './machine-calls.js';

/** Jobs of one domain that would make a snapshot run into libvirt's 30 s lock. */
const rawJobs = z.object({ hasDomainJob: z.boolean(), blockJobTargets: z.array(z.string()) });
export type RawJobs = z.infer<typeof rawJobs>;

/** Answers by name of the call. */
export const callAnswers = {
  versions: z.object({ libvirt: z.string(), qemu: z.string() }),
  listMachines: z.array(z.string()),
  describeMachine: rawMachine,
  jobsOf: rawJobs,
  takeSnapshot: z.null(),
  define: z.null(),
  switchAutostartOff: z.null(),
  destroy: z.null(),
  suspend: z.null(),
  start: z.null(),
  removeManagedSave: z.null(),
  restoreMemory: z.null(),
  agentCommand: z.string(),
  queryBlock: z.string(),
  ...machineAnswers,
  ...blockJobAnswers,
} as const;

export type CallName = keyof typeof callAnswers;
export type CallAnswer<Name extends CallName> = z.infer<(typeof callAnswers)[Name]>;

/** Arguments by name of the call. */
export interface CallArguments extends MachineCallArguments, BlockJobCallArguments {
  versions: Record<string, never>;
  listMachines: Record<string, never>;
  describeMachine: { uuid: string };
  jobsOf: { uuid: string; targets: string[] };
  takeSnapshot: { uuid: string; xml: string; memory: 'LIVE' | 'HELD' | null };
  define: { xml: string };
  switchAutostartOff: { uuid: string };
  destroy: { uuid: string; isGraceful: boolean };
  suspend: { uuid: string };
  start: { uuid: string; isPaused: boolean };
  removeManagedSave: { uuid: string };
  restoreMemory: { path: string; xml: string; isPaused: boolean };
  agentCommand: { uuid: string; command: string; timeoutSeconds: number };
  queryBlock: { uuid: string };
}

/** One call on its way to a worker. */
export type CallRequest = { id: number; name: CallName; argument: CallArguments[CallName] };

/** What the child says. */
export const childMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('answer'), id: z.int(), answer: z.unknown() }),
  z.object({ kind: z.literal('problem'), id: z.int(), problem: libvirtProblem }),
  z.object({ kind: z.literal('connected') }),
  z.object({ kind: z.literal('closed'), reason: z.string() }),
  z.object({ kind: z.literal('machine-changed'), uuid: z.string(), event: z.string(), detail: z.string() }),
]);
export type ChildMessage = z.infer<typeof childMessage>;
