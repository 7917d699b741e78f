import type { Role } from '../access/principal.js';

/** Kinds that an OPERATOR may start; what takes something away for ever, or changes what a machine is, needs an OWNER. */
const OPERATORS: ReadonlySet<string> = new Set([
  'createVmSnapshot',
  'createVolumeSnapshot',
  'revertToVmSnapshot',
  'startVirtualMachine',
  'stopVirtualMachine',
]);
const ADMINS: ReadonlySet<string> = new Set(['migrateVirtualMachine']);

/** The role that starting an operation of this kind needs, and so stopping it, or going on with it. */
export function roleOfKind(kind: string): Role {
  if (ADMINS.has(kind)) return 'ADMIN';
  return OPERATORS.has(kind) ? 'OPERATOR' : 'OWNER';
}
