import { requestOf } from '../dispatch/installation.js';
import type { Stage } from './simulation.js';

/** Asks for one thing by chance; false where it was refused, or there was nothing to ask for. */
export async function chooseAction(stage: Stage): Promise<boolean> {
  const { chance, known } = stage;
  switch (chance.below(8)) {
    case 0:
    case 1:
    case 2:
      return create(stage);
    case 3:
      return revert(stage);
    case 4:
    case 5:
      return remove(stage);
    case 6:
      return cancelOrRetry(stage);
    default:
      // Somebody shuts the guest down, or starts it, by hand.
      if (known.machine.live === null) known.machine.start();
      else known.machine.stop();
      known.agent.sendInventory();
      return true;
  }
}

async function create({ replica, owner, chance, known }: Stage): Promise<boolean> {
  const kind = known.machine.live !== null && chance.once(3) ? ('DISK_AND_MEMORY' as const) : ('DISK' as const);
  const volumeIds = kind === 'DISK' && chance.once(4) ? [known.machine.volumeIds.get('vda') ?? ''] : null;
  const outcome = await replica.core.createVmSnapshot.create(owner, { ...requestOf(known.id), kind, volumeIds });
  return outcome.ok;
}

/** Ids of the machine's snapshots in these states. */
async function snapshotsIn({ installation, known }: Stage, states: readonly string[]): Promise<string[]> {
  const rows = await installation.database.sql(
    'SELECT id FROM vm_snapshot WHERE virtual_machine_id = $1 AND state = ANY($2::vm_snapshot_state[]) ORDER BY id',
    [known.id, states],
  );
  return rows.map((row) => String(row['id']));
}

async function revert(stage: Stage): Promise<boolean> {
  const { replica, owner, chance } = stage;
  const snapshotId = chance.oneOf(await snapshotsIn(stage, ['READY']));
  if (snapshotId === undefined) return false;
  const asked = { snapshotId, snapshotFirst: chance.once(2), start: chance.once(2), planHash: null, idempotencyKey: null };
  return (await replica.core.revertToVmSnapshot.revert(owner, asked)).ok;
}

async function remove(stage: Stage): Promise<boolean> {
  const { replica, owner, chance, known } = stage;
  const there = await snapshotsIn(stage, ['READY', 'ERROR']);
  const snapshotIds = [...new Set(Array.from({ length: 1 + chance.below(3) }, () => chance.oneOf(there) ?? []).flat())];
  if (snapshotIds.length === 0) return false;
  const asked = {
    virtualMachineId: known.id,
    snapshotIds,
    withDescendants: chance.once(5),
    freeBytes: null,
    planHash: null,
    idempotencyKey: null,
  };
  return (await replica.core.deleteVmSnapshots.delete(owner, asked)).ok;
}

/** Of the machine's operations: the running one is stopped, or one that failed goes on. */
async function cancelOrRetry({ installation, replica, owner, chance, known }: Stage): Promise<boolean> {
  const rows = await installation.database.sql(
    `SELECT id, state FROM operation WHERE virtual_machine_id = $1 AND state IN ('RUNNING', 'FAILED', 'CANCELLED') ORDER BY id DESC LIMIT 3`,
    [known.id],
  );
  const chosen = chance.oneOf(rows);
  if (chosen === undefined) return false;
  const id = String(chosen['id']);
  const changes = replica.core.operations;
  return (await (chosen['state'] === 'RUNNING' ? changes.cancel(owner, id) : changes.retry(owner, id))).ok;
}
