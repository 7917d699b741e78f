/** Use case: a VM snapshot's name, description and lock. Touches no file. */
import type { Principal } from '../../access/principal.js';
import type { Outcome } from '../../errors/refusal.js';

/** What shall change; undefined stays. */
export type SnapshotUpdate = { snapshotId: string | null; name?: string; description?: string | null; locked?: boolean };

/** OPERATOR. NAME_TAKEN where another snapshot of the machine has the name. */
export type UpdateVmSnapshot = (principal: Principal, update: SnapshotUpdate) => Promise<Outcome<{ snapshotId: string }>>;
