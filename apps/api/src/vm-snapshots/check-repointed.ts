import type { Refusal } from '../errors/refusal.js';
import type { MachineFacts } from '../machines/machine-facts.store.js';

/** Where readers were re-pointed by a merge that did not end, only that very merge may go on. Asked before drift: a host seen meanwhile drifts because of it. */
export function checkRepointed({ layerRows }: MachineFacts): Refusal | null {
  const half = layerRows.find((layer) => layer.mergeState === 'REPOINTED');
  if (!half) return null;
  return {
    code: 'MACHINE_BUSY',
    message: 'A merge of this machine’s layers stopped half-way, and only its continuation is possible. Retry that operation first.',
    ...(half.mergedBy === null ? {} : { operationId: half.mergedBy }),
  };
}
