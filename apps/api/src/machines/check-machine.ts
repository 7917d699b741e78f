/** Whether anything may be done with a machine now: the checks that every kind of operation begins with. Pure. */
import type { Principal, Role } from '../access/principal.js';
import { done, type Outcome, type Refusal, refused } from '../errors/refusal.js';
import type { MachineFacts } from './machine-facts.store.js';

/** Findings that mean snapshots of another kind: inside an image. External ones of virsh are drift like any other, and can be adopted. */
const MIXED_CODES: ReadonlySet<string> = new Set(['INTERNAL_SNAPSHOTS']);

/** What an operation needs: which role, in which words, and how the input names the machine or its snapshot. */
export type Needed = { role: 'OPERATOR' | 'OWNER' | 'ADMIN'; what: string; path: string[] };

const RANKS: Record<Role, number> = { VIEWER: 0, OPERATOR: 1, OWNER: 2, ADMIN: 3 };

/** Answers the machine's project where the caller may do it; another project's machine is NOT_FOUND, like one that is not there. */
export function checkAccess(principal: Principal, facts: MachineFacts | null, needed: Needed): Outcome<string> {
  const projectId = facts?.machine.projectId ?? null;
  const role = projectId === null ? undefined : principal.roles.get(projectId);
  if (projectId === null || facts?.machine.state === 'DESTROYED' || (!principal.isAdmin && !role)) {
    return refused({ code: 'NOT_FOUND', message: 'There is no such machine, or it is in none of your projects.', path: needed.path });
  }
  if (!principal.isAdmin && (!role || RANKS[role] < RANKS[needed.role])) {
    const whom = needed.role === 'ADMIN' ? 'an administrator: ask one' : `the role ${needed.role} in this project: ask one of its owners`;
    return refused({ code: 'FORBIDDEN', message: `${needed.what} needs ${whom}.` });
  }
  return done(projectId);
}

/** The refusal of everybody who comes while an operation runs. */
export function busy(operationId: string | null): Refusal {
  const message = 'Another operation works on this machine, and only one does at a time. Try again when it has ended.';
  return { code: 'MACHINE_BUSY', message, ...(operationId === null ? {} : { operationId }) };
}

/** No other operation holds it, and nobody has just taken it. */
export function checkFree({ machine, holder }: MachineFacts): Refusal | null {
  if (holder) return busy(holder);
  // Whoever works on it has claimed it between the two readings: the caller looks again.
  if (machine.state === 'SNAPSHOTTING' || machine.state === 'REVERTING' || machine.state === 'MIGRATING') return busy(null);
  return null;
}

/** The host has what is recorded; `tolerated`: findings that this kind of work lives with. */
export function checkDrift(facts: MachineFacts, tolerated: readonly string[] = []): Refusal | null {
  const driftCodes = facts.driftCodes?.filter((code) => !tolerated.includes(code));
  if (driftCodes?.some((code) => MIXED_CODES.has(code))) {
    const message =
      'The machine has snapshots inside its images, made with other tools, and the two kinds do not go together. Remove those first.';
    return { code: 'MIXED_SNAPSHOT_KINDS', message };
  }
  if (!driftCodes || driftCodes.length === 0) return null;
  const message = 'The host does not have what is recorded of this machine, so nothing is done with it until it is reconciled.';
  return { code: 'MACHINE_DRIFTED', message };
}

/** It is RUNNING, PAUSED or STOPPED. `what`: a clause, e.g. "a snapshot can be taken". */
export function checkResting({ machine }: MachineFacts, what: string): Refusal | null {
  const isResting = machine.state === 'RUNNING' || machine.state === 'STOPPED' || machine.state === 'PAUSED';
  if (isResting && machine.powerState !== 'UNKNOWN') return null;
  return { code: 'MACHINE_STATE', message: `The machine is ${machine.state}; ${what} while it is RUNNING, PAUSED or STOPPED.` };
}

/** The host is UP and can do, and may do, all that is needed. */
export function checkHost({ machine: { host }, capabilities }: MachineFacts, needed: readonly string[]): Refusal | null {
  if (host.state !== 'UP') {
    return {
      code: 'HOST_UNAVAILABLE',
      message: `The host ${host.name} of this machine is ${host.state}, so nothing can be done on it now.`,
    };
  }
  const missing = capabilities.find((capability) => needed.includes(capability.name) && !capability.available);
  if (missing) {
    const message = `The host ${host.name} lacks ${missing.name}: ${missing.reason ?? 'it does not say why.'}`;
    return { code: 'CAPABILITY_DISABLED', message };
  }
  const disabled = needed.find((name) => host.disabledCapabilities.includes(name));
  if (!disabled) return null;
  return { code: 'CAPABILITY_DISABLED', message: `An administrator has switched ${disabled} off on the host ${host.name}.` };
}

/** Bytes that a copy of so many may take: tables, and what rounding adds (kvm.md §5.2). The agent asks for the same. */
export function spaceForCopy(bytes: number): number {
  return Math.ceil(bytes * 1.1);
}

/** Every volume that is to be changed lies in a pool where that works and that has room. `neededBytes`: volume id → bytes it may grow by. */
export function checkSpace(facts: MachineFacts, neededBytes: ReadonlyMap<string, number>): Refusal | null {
  const needed = new Map<string, bigint>();
  for (const [volumeId, bytes] of neededBytes) {
    const volume = [...facts.volumes, ...facts.otherVolumes].find((candidate) => candidate.id === volumeId);
    if (!volume) throw new Error(`volume ${volumeId} was planned but not read`);
    const { pool } = volume;
    if (pool.type === 'CLVM' || pool.type === 'RBD') {
      const message = `The volume ${volume.target ?? volume.name} lies in the pool ${pool.name} of type ${pool.type}, where snapshots are not supported.`;
      return { code: 'POOL_UNSUPPORTED', message };
    }
    const sum = (needed.get(pool.id) ?? 0n) + BigInt(bytes);
    needed.set(pool.id, sum);
    if (pool.availableBytes !== null && pool.availableBytes < sum) {
      const message = `The pool ${pool.name} has too little space for this. Make room and try again.`;
      return { code: 'INSUFFICIENT_SPACE', message, neededBytes: sum, availableBytes: pool.availableBytes };
    }
  }
  return null;
}
