import { refusalFor } from '../../access/refusals.js';
import type { Principal } from '../../access/principal.js';
import { auditRefusal } from '../../audit/audit.store.js';
import { done, type Outcome, refused } from '../../errors/refusal.js';
import { type StartOptions, startOperation } from '../../operations/start-operation.js';
import type { FlattenVolume, FlattenVolumeRequest } from './flatten-volume.contract.js';
import { flattenStarter, placeOfVolume } from './flatten.store.js';
import type { MeasureLayers } from '../measure/measuring.js';

type Options = StartOptions & { measure: MeasureLayers };

/** Makes the use case. See the contract file for what it promises. */
export function createFlattenVolume(options: Options): FlattenVolume {
  return {
    async flatten(principal, request) {
      const tried = { principal, action: flattenStarter.kind, projectId: null, subjectId: request.volumeId };
      return auditRefusal(options.database, tried, await flatten(options, principal, request));
    },
  };
}

type Flattened = Outcome<{ volumeId: string; operationId: string }>;

async function flatten(options: Options, principal: Principal, request: FlattenVolumeRequest): Promise<Flattened> {
  const { volumeId, keepTemplate, idempotencyKey } = request;
  const place = await placeOfVolume(options.database, volumeId);
  const target = { projectId: place?.projectId ?? null, what: 'The volume', path: ['volumeId'] };
  const refusal = refusalFor(principal, target, 'OWNER');
  if (refusal) return refused(refusal);
  if (!place?.virtualMachineId) {
    const message = 'The volume is attached to no machine, whose host could do this. Attach it first.';
    return refused({ code: 'MACHINE_STATE', message, path: ['volumeId'] });
  }
  const { virtualMachineId } = place;
  await options.measure(virtualMachineId);
  const asked = { virtualMachineId, volumeId, keepTemplate, planHash: null, idempotencyKey };
  const started = await startOperation(options, flattenStarter, { principal, request: asked, subjectId: volumeId });
  return started.ok ? done({ volumeId, operationId: started.value.operationId }) : started;
}
