import type { Reader, Transaction } from '../platform/database.js';

/** Whether there is such a project. */
export async function projectExists(reader: Reader, projectId: string): Promise<boolean> {
  return (await reader.project.count({ where: { id: projectId } })) === 1;
}

/** The machine, its volumes and its snapshots belong to the project from now on. The machine is locked. */
export async function assignToProject(transaction: Transaction, assigned: { virtualMachineId: string; projectId: string }): Promise<void> {
  const { virtualMachineId, projectId } = assigned;
  await transaction.virtualMachine.update({ where: { id: virtualMachineId }, data: { projectId } });
  await transaction.volume.updateMany({ where: { virtualMachineId }, data: { projectId } });
  await transaction.vmSnapshot.updateMany({ where: { virtualMachineId }, data: { projectId } });
}
