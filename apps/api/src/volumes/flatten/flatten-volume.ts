import { refused } from '../../errors/refusal.js';
import type { StartOptions } from '../../operations/start-operation.js';
import type { FlattenVolume } from './flatten-volume.contract.js';

/** Makes the use case. See the contract file for what it promises. */
export function createFlattenVolume(_options: StartOptions): FlattenVolume {
  return { flatten: async () => refused({ code: 'CAPABILITY_DISABLED', message: 'Flattening is not switched on yet.' }) };
}
