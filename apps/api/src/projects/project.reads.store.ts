/** Reads of projects, people and tokens for the public API; every function takes the scope. */
import type { AccessScope, Role } from '../access/principal.js';
import { ownedBy } from '../access/scope.js';
import type { PageRequest, Slice } from '../graphql/page.js';
import type { Reader } from '../platform/database.js';
import type { AccessToken, Prisma, Project } from '../platform/generated/client.js';

/** A project as the API shows it. */
export type ProjectRecord = {
  __typename: 'Project';
  id: string;
  name: string;
  createdAt: Date;
  quota: { vmSnapshots: number | null; volumeSnapshots: number | null; snapshotBytes: number | null };
};
/** A person as the API shows it. */
export type UserRecord = { __typename: 'User'; id: string; email: string };
/** A token's record; its text is not kept anywhere. */
export type TokenRecord = {
  __typename: 'AccessToken';
  id: string;
  name: string;
  role: Role;
  projectId: string | null;
  userId: string | null;
  createdAt: Date;
  lastUsedAt: Date | null;
  expiresAt: Date | null;
};
/** A person's role in a project. */
export type MemberRecord = { projectId: string; userId: string; role: Role };
/** What a project uses of its quota. */
export type UsageRecord = { vmSnapshots: number; volumeSnapshots: number; snapshotBytes: number };

function visibleProjects(scope: AccessScope): Prisma.ProjectWhereInput {
  return scope.isAdmin ? {} : { id: { in: [...scope.projectIds] } };
}

function toProject(row: Project): ProjectRecord {
  const { id, name, createdAt, quotaVmSnapshots, quotaVolumeSnapshots, quotaSnapshotBytes } = row;
  const snapshotBytes = quotaSnapshotBytes === null ? null : Number(quotaSnapshotBytes);
  const quota = { vmSnapshots: quotaVmSnapshots, volumeSnapshots: quotaVolumeSnapshots, snapshotBytes };
  return { __typename: 'Project', id, name, createdAt, quota };
}

function toToken(row: AccessToken): TokenRecord {
  const { id, name, role, projectId, userId, createdAt, lastUsedAt, expiresAt } = row;
  return { __typename: 'AccessToken', id, name, role, projectId, userId, createdAt, lastUsedAt, expiresAt };
}

/** The projects with these ids that the scope may read, in no order. */
export async function findProjects(reader: Reader, scope: AccessScope, ids: readonly string[]): Promise<ProjectRecord[]> {
  const rows = await reader.project.findMany({ where: { AND: [{ id: { in: [...ids] } }, visibleProjects(scope)] } });
  return rows.map(toProject);
}

/** A page of projects by id, oldest first. */
export async function pageProjects(reader: Reader, scope: AccessScope, page: PageRequest): Promise<Slice<ProjectRecord>> {
  const where = visibleProjects(scope);
  const rows = await reader.project.findMany({
    where: { AND: [where, page.after === null ? {} : { id: { gt: page.after } }] },
    orderBy: { id: 'asc' },
    take: page.take + 1,
  });
  return { rows: rows.map(toProject), count: () => reader.project.count({ where }) };
}

/** The people with these ids whom the caller may know: itself, and who shares a project with it. */
export async function findUsers(
  reader: Reader,
  viewer: { scope: AccessScope; userId: string | null },
  ids: readonly string[],
): Promise<UserRecord[]> {
  const known: Prisma.UserWhereInput[] = [{ members: { some: ownedBy(viewer.scope) } }];
  if (viewer.userId !== null) known.push({ id: viewer.userId });
  const rows = await reader.user.findMany({ where: { AND: [{ id: { in: [...ids] } }, viewer.scope.isAdmin ? {} : { OR: known }] } });
  return rows.map(({ id, email }) => ({ __typename: 'User', id, email }));
}

/** The tokens with these ids that the caller may know: its own, its projects', all for an ADMIN. Revoked ones are gone. */
export async function findTokens(
  reader: Reader,
  viewer: { scope: AccessScope; userId: string | null; tokenId: string },
  ids: readonly string[],
): Promise<TokenRecord[]> {
  const known: Prisma.AccessTokenWhereInput[] = [ownedBy(viewer.scope), { id: viewer.tokenId }];
  if (viewer.userId !== null) known.push({ projectId: null, userId: viewer.userId });
  const visible = viewer.scope.isAdmin ? {} : { OR: known };
  const rows = await reader.accessToken.findMany({ where: { AND: [{ id: { in: [...ids] }, revokedAt: null }, visible] } });
  return rows.map(toToken);
}

/** The members of these projects, who came first first. The caller was shown the projects already. */
export async function membersOfProjects(reader: Reader, projectIds: readonly string[]): Promise<MemberRecord[]> {
  return reader.membership.findMany({ where: { projectId: { in: [...projectIds] } }, orderBy: { userId: 'asc' } });
}

/** The tokens of these projects that are not revoked, oldest first. The caller was shown the projects already. */
export async function tokensOfProjects(reader: Reader, projectIds: readonly string[]): Promise<TokenRecord[]> {
  const rows = await reader.accessToken.findMany({
    where: { projectId: { in: [...projectIds] }, revokedAt: null },
    orderBy: { id: 'asc' },
  });
  return rows.map(toToken);
}

/** What a project uses of its quota now. snapshotBytes: layers that are frozen, memory images, and copies of volumes. */
export async function usageOfProject(reader: Reader, projectId: string): Promise<UsageRecord> {
  const [vmSnapshots, volumeSnapshots, memory, layers, copies] = await Promise.all([
    reader.vmSnapshot.count({ where: { projectId, state: { not: 'REMOVED' } } }),
    reader.volumeSnapshot.count({ where: { projectId, state: { not: 'DESTROYED' } } }),
    reader.vmSnapshot.aggregate({ where: { projectId, state: { not: 'REMOVED' } }, _sum: { memoryBytes: true } }),
    reader.layer.aggregate({
      where: { volume: { projectId }, isFrozen: true, isTemplate: false, state: { in: ['PRESENT', 'DISCARDING'] } },
      _sum: { allocatedBytes: true },
    }),
    reader.volumeSnapshot.aggregate({ where: { projectId, state: { not: 'DESTROYED' } }, _sum: { physicalBytes: true } }),
  ]);
  const parts = [memory._sum.memoryBytes, layers._sum.allocatedBytes, copies._sum.physicalBytes];
  const snapshotBytes = parts.reduce((sum, bytes) => sum + Number(bytes ?? 0n), 0);
  return { vmSnapshots, volumeSnapshots, snapshotBytes };
}
