/** Whether a snapshot may be taken now, and how: pure, so that the same rules answer before and inside the transaction. */
import { CHAIN_LIMIT, type CreatePlan, LayerForest, OVERLAY_RESERVE_BYTES, planCreate } from '@coppice/snapshot-tree';
import { done, type Outcome, type Refusal, refused } from '../../errors/refusal.js';
import { checkDrift, checkFree, checkHost, checkResting, checkSpace } from '../../machines/check-machine.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import { DISK_SNAPSHOT_CAPABILITY, MEMORY_SNAPSHOT_CAPABILITY, QUIESCE_CAPABILITY } from '../capabilities.js';
import { checkRepointed } from '../check-repointed.js';
import { checkPlanHash, planHashOf, planView } from '../plan-view.js';
import { checkQuota } from '../quota.js';
import type { CreateVmSnapshotRequest } from './create-vm-snapshot.contract.js';
import { explainRefusal } from './explain-refusal.js';

/** Longest name and description of a snapshot, in characters: what a line of a list and a small page hold. */
const NAME_LENGTH = 255;
const DESCRIPTION_LENGTH = 4_000;

/** What is going to be done. */
export type CreateDecision = {
  name: string;
  kind: 'DISK' | 'DISK_AND_MEMORY';
  plan: CreatePlan;
  hash: string;
  power: 'ON' | 'PAUSED' | 'OFF';
  /** The guest is frozen: asked for, and the machine is on. */
  quiesce: boolean;
};

/** Decides what was asked first, then the state of the world, cheapest and most telling first. */
export function decideCreate(request: CreateVmSnapshotRequest, facts: MachineFacts): Outcome<CreateDecision> {
  const refusal =
    checkInput(request) ??
    checkFree(facts) ??
    checkQuota(facts) ??
    checkRepointed(facts) ??
    checkDrift(facts) ??
    checkResting(facts, 'a snapshot can be taken') ??
    checkMemory(request, facts) ??
    checkName(request, facts) ??
    checkHost(facts, capabilitiesOf(request, facts)) ??
    checkGuest(request, facts);
  if (refusal) return refused(refusal);
  const power = facts.machine.powerState;
  if (power === 'UNKNOWN') throw new Error(`machine ${facts.machine.id} has no known power state after its state was checked`);
  const planned = plan(request, facts, power);
  if (!planned.ok) return refused(explainRefusal(planned.refusal));
  const noRoom = checkSpace(facts, bytesNeeded(request, facts, planned.value));
  if (noRoom) return refused(noRoom);
  const hash = planHashOf(planned.value.plan);
  const changed = checkPlanHash(request.planHash, planView(planned.value.plan, { hash, estimatedSeconds: null }));
  if (changed) return refused(changed);
  return done({
    name: request.name ?? defaultName(facts),
    kind: request.kind,
    plan: planned.value,
    hash,
    power,
    quiesce: request.quiesce && power === 'ON',
  });
}

function plan(request: CreateVmSnapshotRequest, facts: MachineFacts, power: 'ON' | 'PAUSED' | 'OFF') {
  return planCreate({
    forest: new LayerForest(facts.layers),
    volumes: facts.volumes.flatMap(({ id, target, headLayerId, nextLayerNumber }) =>
      headLayerId === null ? [] : [{ volumeId: id, target, headLayerId, nextLayerNumber }],
    ),
    volumeIds: request.volumeIds,
    power,
    quiesce: request.quiesce,
    kind: request.kind,
    memoryBytes: Number(facts.machine.memoryBytes),
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
  if (request.kind === 'DISK_AND_MEMORY' && request.quiesce) {
    const message =
      'The memory and the disks are kept of the same moment, so there is nothing to quiesce. Ask for memory or for quiesce, not both.';
    return { code: 'INVALID_INPUT', message, path: ['quiesce'] };
  }
  return null;
}

/** After the machine's state: who asks for the same name twice at once hears that the machine is busy, not that the name is taken. */
function checkName(request: CreateVmSnapshotRequest, facts: MachineFacts): Refusal | null {
  if (request.name === null || !facts.names.has(request.name)) return null;
  return { code: 'NAME_TAKEN', message: `The machine has a snapshot named “${request.name}”. Choose another name.`, path: ['name'] };
}

function problemOfName(name: string): string | null {
  const length = Array.from(name).length;
  if (length < 1 || length > NAME_LENGTH || name.trim() === '') return `A name has 1 to ${NAME_LENGTH} characters and is not only blanks.`;
  return /\p{Cc}/u.test(name) ? 'A name has no control characters, such as line ends or tabs.' : null;
}

/** Memory is there while the machine runs, and goes on only with every disk as it was. */
function checkMemory(request: CreateVmSnapshotRequest, { machine, volumes }: MachineFacts): Refusal | null {
  if (request.kind === 'DISK') return null;
  if (machine.powerState !== 'ON') {
    const message = `The machine is ${machine.state}; its memory can be kept while it is RUNNING. Take a snapshot of kind DISK, or start it.`;
    return { code: 'MACHINE_STATE', message, path: ['kind'] };
  }
  const { volumeIds } = request;
  if (volumeIds === null || volumes.every((volume) => volumeIds.includes(volume.id))) return null;
  const message = 'A snapshot with memory holds every disk, because the guest goes on with all of them. Leave the list out.';
  return { code: 'INVALID_INPUT', message, path: ['volumeIds'] };
}

/** Empty overlays, and the memory beside the first of them: at most all of it is written. */
function bytesNeeded(request: CreateVmSnapshotRequest, { machine }: MachineFacts, { volumes }: CreatePlan): Map<string, number> {
  const memory = request.kind === 'DISK_AND_MEMORY' ? Number(machine.memoryBytes) : 0;
  return new Map(volumes.map(({ volumeId }, place) => [volumeId, OVERLAY_RESERVE_BYTES + (place === 0 ? memory : 0)]));
}

function capabilitiesOf(request: CreateVmSnapshotRequest, { machine }: MachineFacts): string[] {
  if (request.kind === 'DISK_AND_MEMORY') return [DISK_SNAPSHOT_CAPABILITY, MEMORY_SNAPSHOT_CAPABILITY];
  return request.quiesce && machine.powerState !== 'OFF' ? [DISK_SNAPSHOT_CAPABILITY, QUIESCE_CAPABILITY] : [DISK_SNAPSHOT_CAPABILITY];
}

/** The guest can be frozen, where that is asked for. */
export function checkGuest(request: Pick<CreateVmSnapshotRequest, 'quiesce'>, facts: MachineFacts): Refusal | null {
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

function defaultName(facts: MachineFacts): string {
  for (let n = facts.snapshotsEver + 1; ; n += 1) {
    const name = `snapshot-${n}`;
    if (!facts.names.has(name)) return name;
  }
}
