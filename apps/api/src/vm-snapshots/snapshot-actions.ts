/** What may be asked for with a VM snapshot now, by the same rules that answer the requests themselves, on one reading of its machine. */
import type { Principal } from '../access/principal.js';
import { refusalFor } from '../access/refusals.js';
import type { Refusal } from '../errors/refusal.js';
import { type Availability, availability, volumeSnapshotAvailability } from '../machines/actions.js';
import type { MachineFacts } from '../machines/machine-facts.store.js';
import { checkTemplateAccess, decideTemplate } from '../templates/create-template.store.js';
import { checkCloneAccess } from './clone/clone.store.js';
import { decideClone } from './clone/decide-clone.js';
import { obstacleTo } from './delete/decide-delete.js';
import { deleteStarter } from './delete/delete.store.js';
import { decideRevert } from './revert/decide-revert.js';
import { revertStarter } from './revert/revert.store.js';

/** The snapshot as far as its actions are concerned. */
type Asked = { id: string; projectId: string; virtualMachineId: string; state: string };

/** Every action of the contract that concerns a VM snapshot, asked for with the defaults of its input. `facts` of its machine. */
export function actionsOfSnapshot(principal: Principal, snapshot: Asked, facts: MachineFacts | null): Availability[] {
  return [
    availability('UPDATE_VM_SNAPSHOT', refusalOfUpdate(principal, snapshot)),
    availability('REVERT_TO_VM_SNAPSHOT', refusalOfRevert(principal, snapshot, facts)),
    availability('DELETE_VM_SNAPSHOT', refusalOfDelete(principal, snapshot, facts)),
    availability('CLONE_VM_SNAPSHOT', refusalOfClone(principal, snapshot, facts)),
    availability('CREATE_TEMPLATE', refusalOfTemplate(principal, snapshot, facts)),
    volumeSnapshotAvailability(principal, facts, { volumeId: firstVolume(snapshot, facts), vmSnapshotId: snapshot.id }),
  ];
}

/** Any volume that it holds will do: what is asked is whether its content can be copied at all. */
function firstVolume({ id }: Asked, facts: MachineFacts | null): string {
  return facts?.snapshots.find((one) => one.id === id)?.disks[0]?.volumeId ?? '';
}

function refusalOfUpdate(principal: Principal, { projectId, state }: Asked): Refusal | null {
  const gone: Refusal | null =
    state === 'REMOVED' || state === 'EXPUNGING' ? { code: 'SNAPSHOT_STATE', message: 'The snapshot is on its way out or gone.' } : null;
  return refusalFor(principal, { projectId, what: 'The snapshot', path: [] }, 'OPERATOR') ?? gone;
}

function refusalOfRevert(principal: Principal, snapshot: Asked, facts: MachineFacts | null): Refusal | null {
  const access = revertStarter.access(principal, facts);
  if (!access.ok) return access.refusals[0];
  if (facts === null) throw new Error(`machine ${snapshot.virtualMachineId} was let through without having been read`);
  const { id: snapshotId, virtualMachineId } = snapshot;
  const request = { snapshotId, virtualMachineId, snapshotFirst: false, start: false, planHash: null, idempotencyKey: null };
  const decided = decideRevert(request, facts);
  return decided.ok ? null : decided.refusals[0];
}

/** In either way: a long chain is in the way of the one, a pool without room of the other. */
function refusalOfClone(principal: Principal, snapshot: Asked, facts: MachineFacts | null): Refusal | null {
  const access = checkCloneAccess(principal, facts);
  if (!access.ok || facts === null) return access.ok ? null : access.refusals[0];
  const { id: snapshotId, virtualMachineId } = snapshot;
  const request = { snapshotId, virtualMachineId, name: 'clone', start: false, planHash: null, idempotencyKey: null };
  const [linked, copied] = [true, false].map((isLinked) => decideClone({ ...request, linked: isLinked }, facts));
  return linked?.ok || !copied || copied.ok ? null : copied.refusals[0];
}

function refusalOfTemplate(principal: Principal, snapshot: Asked, facts: MachineFacts | null): Refusal | null {
  const access = checkTemplateAccess(principal, facts);
  if (!access.ok || facts === null) return access.ok ? null : access.refusals[0];
  const decided = decideTemplate({ snapshotId: snapshot.id, name: 'template' }, facts);
  return decided.ok ? null : decided.refusals[0];
}

/** Without its plan: to plan the merges of every node of a large tree takes seconds. */
function refusalOfDelete(principal: Principal, snapshot: Asked, facts: MachineFacts | null): Refusal | null {
  const access = deleteStarter.access(principal, facts);
  if (!access.ok) return access.refusals[0];
  return facts === null ? null : obstacleTo(snapshot.id, facts);
}
