/** Whether a snapshot may be taken now, and how: pure, so that the same rules answer before and inside the transaction. */
import { createHash } from 'node:crypto';
import { CHAIN_LIMIT, type CreatePlan, LayerForest, OVERLAY_RESERVE_BYTES, planCreate, planSignature } from '@coppice/snapshot-tree';
import type { Principal, Role } from '../../access/principal.js';
import { done, type Outcome, type Refusal, refused } from '../../errors/refusal.js';
import type { CreateFacts } from './create-facts.store.js';
import type { CreateVmSnapshotRequest } from './create-vm-snapshot.contract.js';
import { explainRefusal } from './explain-refusal.js';

/** Names of what a host must be able to do (packages/agent says which it has): a snapshot, and freezing the guest for it. */
const DISK_SNAPSHOT_CAPABILITY = 'vm-snapshot.disk';
const QUIESCE_CAPABILITY = 'vm-snapshot.quiesce';

/** Longest name and description of a snapshot, in characters: what a line of a list and a small page hold. */
const NAME_LENGTH = 255;
const DESCRIPTION_LENGTH = 4_000;

/** What is going to be done. */
export type CreateDecision = {
  name: string;
  plan: CreatePlan;
  hash: string;
  power: 'ON' | 'PAUSED' | 'OFF';
  /** The guest is frozen: asked for, and the machine is on. */
  quiesce: boolean;
  projectId: string;
};

/** Decides who may know of the machine first, then what was asked, then the state of the world, cheapest and most telling first. */
export function decideCreate(principal: Principal, request: CreateVmSnapshotRequest, facts: CreateFacts): Outcome<CreateDecision> {
  const access = checkAccess(principal, facts);
  if (!access.ok) return access;
  const refusal =
    checkInput(request) ?? checkState(facts) ?? checkName(request, facts) ?? checkHost(request, facts) ?? checkGuest(request, facts);
  if (refusal) return refused(refusal);
  const power = facts.machine.powerState;
  if (power === 'UNKNOWN') throw new Error(`machine ${facts.machine.id} has no known power state after its state was checked`);
  const planned = plan(request, facts, power);
  if (!planned.ok) return refused(explainRefusal(planned.refusal));
  const noRoom = checkSpace(planned.value, facts);
  if (noRoom) return refused(noRoom);
  const hash = createHash('sha256').update(planSignature(planned.value.plan)).digest('hex');
  if (request.planHash !== null && request.planHash !== hash) {
    return refused({
      code: 'PLAN_CHANGED',
      message: 'The plan that you saw is not what would be done now, so nothing was done. Look at the new plan and confirm it.',
      path: ['planHash'],
    });
  }
  return done({
    name: request.name ?? defaultName(facts),
    plan: planned.value,
    hash,
    power,
    quiesce: request.quiesce && power === 'ON',
    projectId: access.value,
  });
}

/** Answers the machine's project where the caller may snapshot it; another project's machine is NOT_FOUND, like one that is not there. */
export function checkAccess(principal: Principal, facts: CreateFacts | null): Outcome<string> {
  const projectId = facts?.machine.projectId ?? null;
  const role = projectId === null ? undefined : principal.roles.get(projectId);
  if (projectId === null || (!principal.isAdmin && !role)) {
    return refused({
      code: 'NOT_FOUND',
      message: 'There is no such machine, or it is in none of your projects.',
      path: ['virtualMachineId'],
    });
  }
  if (!principal.isAdmin && !mayOperate(role)) {
    return refused({ code: 'FORBIDDEN', message: 'Taking a snapshot needs the role OPERATOR in this project. Ask one of its owners.' });
  }
  return done(projectId);
}

function mayOperate(role: Role | undefined): boolean {
  return role === 'OPERATOR' || role === 'OWNER' || role === 'ADMIN';
}

function plan(request: CreateVmSnapshotRequest, facts: CreateFacts, power: 'ON' | 'PAUSED' | 'OFF') {
  return planCreate({
    forest: new LayerForest(facts.layers),
    volumes: facts.volumes.flatMap(({ id, target, headLayerId, nextLayerNumber }) =>
      headLayerId === null ? [] : [{ volumeId: id, target, headLayerId, nextLayerNumber }],
    ),
    volumeIds: request.volumeIds,
    power,
    quiesce: request.quiesce,
    chainLimit: CHAIN_LIMIT,
  });
}

function checkInput(request: CreateVmSnapshotRequest): Refusal | null {
  const problem = request.name === null ? null : problemOfName(request.name);
  if (problem) return { code: 'INVALID_INPUT', message: problem, path: ['name'] };
  if ((request.description?.length ?? 0) > DESCRIPTION_LENGTH) {
    return { code: 'INVALID_INPUT', message: `The description is longer than ${DESCRIPTION_LENGTH} characters.`, path: ['description'] };
  }
  if (request.volumeIds?.length === 0) {
    return { code: 'INVALID_INPUT', message: 'No volume was chosen. Leave the list out to take all of them.', path: ['volumeIds'] };
  }
  if (request.kind === 'DISK_AND_MEMORY') {
    const message = 'Snapshots with memory are not switched on in this version. Take one of kind DISK.';
    return { code: 'CAPABILITY_DISABLED', message, path: ['kind'] };
  }
  return null;
}

/** After the machine's state: who asks for the same name twice at once hears that the machine is busy, not that the name is taken. */
function checkName(request: CreateVmSnapshotRequest, facts: CreateFacts): Refusal | null {
  if (request.name === null || !facts.names.has(request.name)) return null;
  return { code: 'NAME_TAKEN', message: `The machine has a snapshot named “${request.name}”. Choose another name.`, path: ['name'] };
}

function problemOfName(name: string): string | null {
  const length = Array.from(name).length;
  if (length < 1 || length > NAME_LENGTH || name.trim() === '') return `A name has 1 to ${NAME_LENGTH} characters and is not only blanks.`;
  return /\p{Cc}/u.test(name) ? 'A name has no control characters, such as line ends or tabs.' : null;
}

function checkState(facts: CreateFacts): Refusal | null {
  const { machine, holder, driftCodes } = facts;
  if (holder) return busy(holder);
  const limit = machine.project?.quotaVmSnapshots ?? null;
  if (limit !== null && facts.snapshotsOfProject !== null && facts.snapshotsOfProject >= limit) {
    const message = `The project has ${facts.snapshotsOfProject} of its ${limit} VM snapshots. Delete one, or ask an administrator for more.`;
    return { code: 'QUOTA_EXCEEDED', message, limit: BigInt(limit), used: BigInt(facts.snapshotsOfProject) };
  }
  if (driftCodes?.some((code) => MIXED_CODES.has(code))) {
    const message =
      'The machine has snapshots inside its images, made with other tools, and the two kinds do not go together. Remove those first.';
    return { code: 'MIXED_SNAPSHOT_KINDS', message };
  }
  if (driftCodes) {
    const message = 'The host does not have what is recorded of this machine, so nothing is done with it until it is reconciled.';
    return { code: 'MACHINE_DRIFTED', message };
  }
  // Whoever works on it has claimed it between the two readings: the caller looks again.
  if (machine.state === 'SNAPSHOTTING' || machine.state === 'REVERTING' || machine.state === 'MIGRATING') return busy(null);
  if ((machine.state !== 'RUNNING' && machine.state !== 'STOPPED' && machine.state !== 'PAUSED') || machine.powerState === 'UNKNOWN') {
    const message = `The machine is ${machine.state}; a snapshot can be taken while it is RUNNING, PAUSED or STOPPED.`;
    return { code: 'MACHINE_STATE', message };
  }
  return null;
}

/** Findings that mean snapshots of another kind: inside an image. External ones of virsh are drift like any other, and can be adopted. */
const MIXED_CODES: ReadonlySet<string> = new Set(['INTERNAL_SNAPSHOTS']);

/** The refusal of everybody who comes while an operation runs. */
export function busy(operationId: string | null): Refusal {
  const message = 'Another operation works on this machine, and only one does at a time. Try again when it has ended.';
  return { code: 'MACHINE_BUSY', message, ...(operationId === null ? {} : { operationId }) };
}

function checkHost(request: CreateVmSnapshotRequest, facts: CreateFacts): Refusal | null {
  const { host, powerState } = facts.machine;
  if (host.state !== 'UP') {
    return {
      code: 'HOST_UNAVAILABLE',
      message: `The host ${host.name} of this machine is ${host.state}, so nothing can be done on it now.`,
    };
  }
  const needed = request.quiesce && powerState !== 'OFF' ? [DISK_SNAPSHOT_CAPABILITY, QUIESCE_CAPABILITY] : [DISK_SNAPSHOT_CAPABILITY];
  const missing = facts.capabilities.find((capability) => needed.includes(capability.name) && !capability.available);
  if (missing) {
    const message = `The host ${host.name} lacks ${missing.name}: ${missing.reason ?? 'it does not say why.'}`;
    return { code: 'CAPABILITY_DISABLED', message };
  }
  const disabled = needed.find((name) => host.disabledCapabilities.includes(name));
  if (!disabled) return null;
  return { code: 'CAPABILITY_DISABLED', message: `An administrator has switched ${disabled} off on the host ${host.name}.` };
}

function checkGuest(request: CreateVmSnapshotRequest, facts: CreateFacts): Refusal | null {
  if (!request.quiesce || facts.machine.powerState === 'OFF') return null;
  const answer = { code: 'GUEST_AGENT_UNAVAILABLE' as const, path: ['quiesce'] };
  if (facts.machine.powerState !== 'ON') {
    return {
      ...answer,
      message: 'The guest is paused and cannot freeze its file systems. Resume it, or take the snapshot without quiesce.',
    };
  }
  if (facts.machine.guestAgent === 'CONNECTED') return null;
  const why =
    facts.machine.guestAgent === 'NOT_CONFIGURED' ? 'has no channel for a guest agent' : 'has a guest agent that is not connected';
  return {
    ...answer,
    message: `The machine ${why}, so its file systems cannot be frozen. Mend that, or take the snapshot without quiesce.`,
  };
}

function checkSpace(planned: CreatePlan, facts: CreateFacts): Refusal | null {
  const needed = new Map<string, bigint>();
  for (const chosen of planned.volumes) {
    const pool = facts.volumes.find((volume) => volume.id === chosen.volumeId)?.pool;
    if (!pool) throw new Error(`volume ${chosen.volumeId} was planned but not read`);
    if (pool.type === 'CLVM' || pool.type === 'RBD') {
      return {
        code: 'POOL_UNSUPPORTED',
        message: `The volume ${chosen.target} lies in the pool ${pool.name} of type ${pool.type}, where snapshots are not supported.`,
      };
    }
    const bytes = (needed.get(pool.id) ?? 0n) + BigInt(OVERLAY_RESERVE_BYTES);
    needed.set(pool.id, bytes);
    if (pool.availableBytes !== null && pool.availableBytes < bytes) {
      const message = `The pool ${pool.name} has too little space for the new layers. Make room and try again.`;
      return { code: 'INSUFFICIENT_SPACE', message, neededBytes: bytes, availableBytes: pool.availableBytes };
    }
  }
  return null;
}

function defaultName(facts: CreateFacts): string {
  for (let n = facts.snapshotsEver + 1; ; n += 1) {
    const name = `snapshot-${n}`;
    if (!facts.names.has(name)) return name;
  }
}
