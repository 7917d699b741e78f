/** Writes of projects and their members. Each is one transaction with its audit event and, where access changes, its ACCESS transition. */
import { recordAudit } from '../audit/audit.store.js';
import { accessChanged } from '../access/access-record.js';
import type { Principal, Role } from '../access/principal.js';
import { insertTransitions } from '../events/transition.store.js';
import type { Transaction } from '../platform/database.js';
import { newId } from '../platform/ids.js';

/** Inserts a project. Throws a duplicate where the name is taken. */
export async function insertProject(transaction: Transaction, principal: Principal, project: { id: string; name: string }): Promise<void> {
  await transaction.project.create({ data: project, select: { id: true } });
  await recordAudit(transaction, {
    principal,
    action: 'createProject',
    projectId: project.id,
    subjectId: project.id,
    subjectName: project.name,
    outcome: 'DONE',
  });
}

/** Sets or removes a person's role. Makes the person known where it is not. */
export async function setMember(
  transaction: Transaction,
  principal: Principal,
  member: { projectId: string; email: string; role: Role | null },
): Promise<void> {
  const { projectId, email, role } = member;
  const user = await transaction.user.upsert({ where: { email }, create: { id: newId(), email }, update: {}, select: { id: true } });
  const key = { projectId, userId: user.id };
  if (role === null) await transaction.membership.deleteMany({ where: key });
  else await transaction.membership.upsert({ where: { projectId_userId: key }, create: { ...key, role }, update: { role } });
  await recordAudit(transaction, {
    principal,
    action: 'setProjectMember',
    projectId,
    subjectId: user.id,
    subjectName: email,
    outcome: 'DONE',
    detail: role === null ? 'removed' : role,
  });
  await insertTransitions(transaction, [accessChanged(principal, { projectId, subjectId: user.id, event: 'member' })]);
}

/** Sets the three bounds. Answers whether the project is there. */
export async function setQuota(
  transaction: Transaction,
  principal: Principal,
  quota: { projectId: string; vmSnapshots: number | null; volumeSnapshots: number | null; snapshotBytes: number | null },
): Promise<boolean> {
  const { projectId, vmSnapshots, volumeSnapshots, snapshotBytes } = quota;
  const { count } = await transaction.project.updateMany({
    where: { id: projectId },
    data: {
      quotaVmSnapshots: vmSnapshots,
      quotaVolumeSnapshots: volumeSnapshots,
      quotaSnapshotBytes: snapshotBytes === null ? null : BigInt(snapshotBytes),
    },
  });
  if (count === 0) return false;
  const detail = JSON.stringify({ vmSnapshots, volumeSnapshots, snapshotBytes });
  await recordAudit(transaction, { principal, action: 'setProjectQuota', projectId, subjectId: projectId, outcome: 'DONE', detail });
  return true;
}

/** Locks a project's row; answers whether it is there. First in the order of locks, behind claims. */
export async function lockProject(transaction: Transaction, projectId: string): Promise<boolean> {
  const rows = await transaction.$queryRaw<{ id: string }[]>`SELECT id FROM project WHERE id = ${projectId}::uuid FOR NO KEY UPDATE`;
  return rows.length === 1;
}
