/** What may be asked for with a volume snapshot now, by the same rules that answer the requests themselves. */
import type { Principal } from '../access/principal.js';
import type { Refusal } from '../errors/refusal.js';
import { type Availability, availability, notYet } from '../machines/actions.js';
import type { MachineFacts } from '../machines/machine-facts.store.js';
import { checkDeleteAccess, obstacleToDeleting } from './delete/decide-delete.js';

/** The volume snapshot as far as its actions are concerned. */
type Asked = Parameters<typeof obstacleToDeleting>[0];

const LATER = ['REVERT_VOLUME', 'VERIFY_VOLUME_SNAPSHOT', 'CREATE_TEMPLATE', 'DOWNLOAD'];

/** Every action of the contract that concerns a volume snapshot. `facts` of the machine whose host has its file. */
export function actionsOfVolumeSnapshot(principal: Principal, snapshot: Asked, facts: MachineFacts | null): Availability[] {
  return [availability('DELETE_VOLUME_SNAPSHOT', refusalOfDelete(principal, snapshot, facts)), ...LATER.map(notYet)];
}

function refusalOfDelete(principal: Principal, snapshot: Asked, facts: MachineFacts | null): Refusal | null {
  return checkDeleteAccess(principal, snapshot) ?? (facts === null ? null : obstacleToDeleting(snapshot, facts));
}
