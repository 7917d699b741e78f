import { refused } from '../../errors/refusal.js';
import type { StartOptions } from '../../operations/start-operation.js';
import type { RevertToVmSnapshot } from './revert-to-vm-snapshot.contract.js';

/** Makes the use case. See the contract file for what its two functions promise. */
export function createRevertToVmSnapshot(_options: StartOptions): RevertToVmSnapshot {
  const later = refused({ code: 'CAPABILITY_DISABLED', message: 'Reverting is not switched on yet.' });
  return { plan: async () => later, revert: async () => later };
}
