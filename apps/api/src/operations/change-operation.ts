import { refused } from '../errors/refusal.js';
import type { StartOptions } from './start-operation.js';
import type { OperationChanges } from './operation-changes.contract.js';

/** Makes the use cases. See the contract file for what they promise. */
export function createOperationChanges(_options: StartOptions): OperationChanges {
  const later = refused({ code: 'CAPABILITY_DISABLED', message: 'This is not switched on yet.' });
  return { cancel: async () => later, retry: async () => later, cancelEffects: async () => new Map() };
}
