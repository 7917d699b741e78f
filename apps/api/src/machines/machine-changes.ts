import { refused } from '../errors/refusal.js';
import type { StartOptions } from '../operations/start-operation.js';
import type { MachineChanges } from './machine-changes.contract.js';

/** Makes the use cases. See the contract file for what each promises. */
export function createMachineChanges(_options: StartOptions): MachineChanges {
  const later = async () =>
    refused({ code: 'CAPABILITY_DISABLED', message: 'This version of Coppice cannot do this yet. Nothing was changed.' });
  return {
    start: later,
    stop: later,
    migrate: later,
    resize: later,
    destroy: later,
    attachVolume: later,
    detachVolume: later,
    reconcile: later,
  };
}
