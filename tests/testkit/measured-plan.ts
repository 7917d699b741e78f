import type { PlanAnswer } from './operation-calls.js';
import { plainId } from './plain-id.js';
import { type DeleteRequest, planDelete } from './tree-calls.js';
import { waitUntil } from './wait-until.js';
import type { KnownMachine, World } from './world.js';

/** What is there and was never measured, or, as the machine writes it, not since then. */
const STALE_LAYERS = `SELECT 1 FROM layer l JOIN volume v ON v.id = l.volume_id
  WHERE v.virtual_machine_id::text = $1 AND l.state = 'PRESENT' AND (l.measured_at IS NULL OR (NOT l.is_frozen AND l.measured_at < $2)) LIMIT 1`;

/** What a delete would do, planned with what all layers hold now: a plan waits for a slow host no longer than a person would, and estimates then. */
export async function planMeasuredDelete(world: World, known: KnownMachine, request: DeleteRequest): Promise<PlanAnswer> {
  const since = new Date();
  const owner = world.as(world.acme.ownerToken);
  await waitUntil('all layers to be measured', async () => {
    await planDelete(owner, known, request);
    return (await world.database.sql(STALE_LAYERS, [plainId(known.id), since])).length === 0;
  });
  return planDelete(owner, known, request);
}
