import { requestOf } from '../dispatch/installation.js';
import type { Stage } from './simulation.js';

/** True: started; false: refused, or there was nothing to ask for; null: no answer came. */
type Asked = boolean | null;

/** Asks for one thing by chance. */
export async function chooseAction(stage: Stage): Promise<Asked> {
  const { chance, known } = stage;
  // The first thing to do with a machine is a snapshot, or all else is refused.
  if ((await snapshotsIn(stage, ['READY'])).length === 0 && chance.below(4) > 0) return create(stage);
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
      await known.agent.sendInventory(known.machine.uuid);
      return true;
  }
}

async function create({ ask, owner, chance, known }: Stage): Promise<Asked> {
  const kind = known.machine.live !== null && chance.once(3) ? ('DISK_AND_MEMORY' as const) : ('DISK' as const);
  const [first] = known.machine.volumeIds.values();
  const volumeIds = kind === 'DISK' && chance.once(4) && first !== undefined ? [first] : null;
  const outcome = await ask((core) => core.createVmSnapshot.create(owner, { ...requestOf(known.id), kind, volumeIds }));
  return outcome && outcome.ok;
}

/** Ids of the machine's snapshots in these states. */
async function snapshotsIn({ database, known }: Stage, states: ('READY' | 'ERROR')[]): Promise<string[]> {
  const rows = await database.vmSnapshot.findMany({
    where: { virtualMachineId: known.id, state: { in: states } },
    select: { id: true },
    orderBy: { id: 'asc' },
  });
  return rows.map((row) => row.id);
}

async function revert(stage: Stage): Promise<Asked> {
  const { ask, owner, chance } = stage;
  const snapshotId = chance.oneOf(await snapshotsIn(stage, ['READY']));
  if (snapshotId === undefined) return false;
  const asked = { snapshotId, snapshotFirst: chance.once(2), start: chance.once(2), planHash: null, idempotencyKey: null };
  const outcome = await ask((core) => core.revertToVmSnapshot.revert(owner, asked));
  return outcome && outcome.ok;
}

async function remove(stage: Stage): Promise<Asked> {
  const { ask, owner, chance, known } = stage;
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
  const outcome = await ask((core) => core.deleteVmSnapshots.delete(owner, asked));
  return outcome && outcome.ok;
}

/** Of the machine's operations: the running one is stopped, or one that failed goes on. */
async function cancelOrRetry({ database, ask, owner, chance, known }: Stage): Promise<Asked> {
  const rows = await database.operation.findMany({
    where: { virtualMachineId: known.id, state: { in: ['RUNNING', 'FAILED', 'CANCELLED'] } },
    orderBy: { id: 'desc' },
    take: 3,
  });
  const chosen = chance.oneOf(rows);
  if (chosen === undefined) return false;
  const { id, state } = chosen;
  const outcome = await ask((core) => (state === 'RUNNING' ? core.operations.cancel(owner, id) : core.operations.retry(owner, id)));
  return outcome && outcome.ok;
}
