import type { Refusal } from '../errors/refusal.js';
import type { MachineFacts } from '../machines/machine-facts.store.js';

/** The project may have one more VM snapshot. */
export function checkQuota({ machine, snapshotsOfProject }: MachineFacts): Refusal | null {
  const limit = machine.project?.quotaVmSnapshots ?? null;
  if (limit === null || snapshotsOfProject === null || snapshotsOfProject < limit) return null;
  const message = `The project has ${snapshotsOfProject} of its ${limit} VM snapshots. Delete one, or ask an administrator for more.`;
  return { code: 'QUOTA_EXCEEDED', message, limit: BigInt(limit), used: BigInt(snapshotsOfProject) };
}
