/**
 * What nobody asks for and is due all the same: files that could not be removed before, and merges that became possible or cheap because a
 * machine stopped, a head has grown, or a branch is gone (domain.md, Delete). Visible and cancelable like any other work.
 */
import type { Principal } from '../../access/principal.js';
import { done, refused } from '../../errors/refusal.js';
import { SYSTEM_ACTOR } from '../../events/actor-record.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import { type StartOptions, startOperation } from '../../operations/start-operation.js';
import type { Starter } from '../../operations/start-operation.store.js';
import type { Log } from '../../platform/log.js';
import { dueMachines } from './consolidate.store.js';
import { decideConsolidate, type DeleteDecision } from './decide-delete.js';
import { CONSOLIDATE } from './delete-record.js';
import { resourcesOf, volumesOf, writeDelete } from './delete.store.js';

/** How often machines with something due are looked for, in milliseconds. */
export const CONSOLIDATE_SWEEP_MS = 2_000;
/** Pauses between two looks at one machine that does not change: the first, and the longest; milliseconds. */
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 10 * 60_000;
/** Machines that are remembered; the oldest go first. */
const REMEMBERED = 10_000;

type Request = { virtualMachineId: string; planHash: null; idempotencyKey: null };

const consolidateStarter: Starter<Request, DeleteDecision> = {
  kind: CONSOLIDATE,
  subjectType: 'VIRTUAL_MACHINE',
  machineState: null,
  alsoRead: () => ({ garbage: true }),
  access: (_principal, facts) =>
    facts?.machine.projectId
      ? done(facts.machine.projectId)
      : refused({ code: 'NOT_FOUND', message: 'The machine belongs to no project.' }),
  decide: (_principal, _request, facts) => decide(facts),
  resources: (decision, machineId) => resourcesOf(machineId, volumesOf(decision)),
  subjectName: (_decision, facts) => facts.machine.name,
  write: (starting) => writeDelete(starting, starting.decision),
};

function decide(facts: MachineFacts) {
  const decided = decideConsolidate(facts, { goesOn: false });
  if (!decided.ok) return decided;
  const { merges, discards } = decided.value.plan;
  if (merges.length + discards.length + facts.garbage.length + facts.garbageFiles.length > 0) return decided;
  return refused({ code: 'MACHINE_STATE', message: 'Nothing is due for the layers of this machine.' });
}

const SYSTEM: Principal = {
  tokenId: 'system',
  key: 'system',
  actor: SYSTEM_ACTOR,
  email: 'system',
  userId: null,
  isAdmin: true,
  roles: new Map(),
  expiresAt: null,
};

/** Looks for machines with something due and starts it; a machine that does not change is looked at more and more seldom. */
export function createConsolidation(options: StartOptions & { log: Log }): () => Promise<void> {
  const tried = new Map<string, { key: string; nextAt: number; pauseMs: number }>();
  return async () => {
    for (const { machineId, key } of await dueMachines(options.database)) {
      const last = tried.get(machineId);
      const isSame = last?.key === key;
      const now = performance.now();
      if (isSame && now < last.nextAt) continue;
      const pauseMs = isSame ? Math.min(2 * last.pauseMs, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS;
      tried.delete(machineId);
      tried.set(machineId, { key, pauseMs, nextAt: now + pauseMs });
      const [oldest] = tried.keys();
      if (tried.size > REMEMBERED && oldest !== undefined) tried.delete(oldest);
      const request: Request = { virtualMachineId: machineId, planHash: null, idempotencyKey: null };
      const started = await startOperation(options, consolidateStarter, { principal: SYSTEM, request, subjectId: machineId });
      if (!started.ok) options.log.debug({ machineId, refusal: started.refusals[0].message }, 'layers are left as they are for now');
    }
  };
}
