import { refused } from '../../errors/refusal.js';
import type { StartOptions } from '../../operations/start-operation.js';
import type { DeleteVmSnapshots } from './delete-vm-snapshots.contract.js';

/** Makes the use case. See the contract file for what its functions promise. */
export function createDeleteVmSnapshots(_options: StartOptions): DeleteVmSnapshots {
  const later = refused({ code: 'CAPABILITY_DISABLED', message: 'Deleting is not switched on yet.' });
  return { plan: async () => later, check: async () => later, delete: async () => later };
}
