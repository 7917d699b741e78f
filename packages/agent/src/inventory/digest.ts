import { createHash } from 'node:crypto';
import type { InventoryMachine } from '@coppice/protocol';

/** What tells whether a machine has changed since it was told. Bytes written are no change of what it is: a running guest would be news for ever. */
export function digestOf(machine: InventoryMachine): string {
  const disks = machine.disks.map((disk) => ({ ...disk, chain: disk.chain.map((layer) => ({ ...layer, allocatedBytes: 0 })) }));
  return createHash('sha256')
    .update(JSON.stringify({ ...machine, disks }))
    .digest('base64');
}
