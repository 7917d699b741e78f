import type { Principal } from '../access/principal.js';
import { notFound, refusedUnlessAdmin } from '../access/refusals.js';
import { done, type Outcome, refused } from '../errors/refusal.js';
import type { Write } from '../events/write.js';
import { holderOf, resourceOf } from '../operations/claim.store.js';
import { assignToProject, projectExists } from './assign-machine.store.js';
import { lockMachine, tellOfMachine } from './machine.store.js';

/** What shall belong to whom; null where the id given was none. */
type Assignment = { virtualMachineId: string | null; projectId: string | null };

/** Gives a machine, with its volumes and snapshots, to a project. ADMIN. Refused while an operation works on the machine. */
export async function assignMachine(
  write: Write,
  principal: Principal,
  assignment: Assignment,
): Promise<Outcome<{ virtualMachineId: string }>> {
  const { virtualMachineId, projectId } = assignment;
  const denied = refusedUnlessAdmin(principal);
  if (denied) return denied;
  if (virtualMachineId === null) return refused(notFound('The machine', 'virtualMachineId'));
  if (projectId === null) return refused(notFound('The project', 'projectId'));
  return write(async (transaction) => {
    const machine = await lockMachine(transaction, virtualMachineId);
    if (!machine) return refused(notFound('The machine', 'virtualMachineId'));
    if (!(await projectExists(transaction, projectId))) return refused(notFound('The project', 'projectId'));
    if (machine.projectId === projectId) return done({ virtualMachineId });
    const operationId = await holderOf(transaction, [resourceOf.machine(virtualMachineId)]);
    if (operationId) {
      return refused({ code: 'MACHINE_BUSY', message: 'An operation works on this machine. Assign it when that has ended.', operationId });
    }
    await assignToProject(transaction, { virtualMachineId, projectId });
    const told = { to: null, event: 'assign', reason: null, actor: principal.actor, operationId: null };
    await tellOfMachine(transaction, { ...machine, projectId }, told);
    return done({ virtualMachineId });
  });
}
