/** Finds the caller behind a token. The only place that turns rows into a Principal. */
import type { Database } from '../platform/database.js';
import type { AccessToken, Membership, Project, User } from '../platform/generated/client.js';
import type { ActorRecord, Principal, Role } from './principal.js';
import { weaker } from './scope.js';

/** lastUsedAt is written at most this often, in milliseconds: a busy token must not make a hot row. */
const LAST_USED_MS = 60_000;

type TokenRow = AccessToken & { project: Pick<Project, 'name'> | null; user: (User & { members: Membership[] }) | null };

const INCLUDE = { project: { select: { name: true } }, user: { include: { members: true } } } as const;

/** The caller that presents a token with this hash; null for none, an expired or a revoked one. Marks the token as used. */
export async function principalByHash(database: Database, tokenHash: Uint8Array<ArrayBuffer>, now: Date): Promise<Principal | null> {
  const row = await database.accessToken.findUnique({ where: { tokenHash }, include: INCLUDE });
  if (row === null || !isValid(row, now)) return null;
  if (row.lastUsedAt === null || now.getTime() - row.lastUsedAt.getTime() > LAST_USED_MS) {
    await database.accessToken.updateMany({ where: { id: row.id }, data: { lastUsedAt: now } });
  }
  return toPrincipal(row);
}

/** The caller behind a token's id as it is now; null where the token has expired or was revoked. */
export async function principalById(database: Database, tokenId: string, now: Date): Promise<Principal | null> {
  const row = await database.accessToken.findUnique({ where: { id: tokenId }, include: INCLUDE });
  return row === null || !isValid(row, now) ? null : toPrincipal(row);
}

function isValid(row: AccessToken, now: Date): boolean {
  return row.revokedAt === null && (row.expiresAt === null || row.expiresAt > now);
}

/**
 *   projectId set             a project's token: its role, in that project
 *   userId set                a personal one: the person's roles, none stronger than the token's; ADMIN where both are
 *   neither                   the installation's: ADMIN or nothing
 */
function toPrincipal(row: TokenRow): Principal {
  const { id, name, user, role, expiresAt } = row;
  const isPersonal = user !== null && row.projectId === null;
  const actor: ActorRecord = isPersonal ? { kind: 'USER', name: user.email, userId: user.id } : { kind: 'TOKEN', name, userId: null };
  return {
    tokenId: id,
    key: `token:${id}`,
    actor,
    expiresAt,
    email: isPersonal ? user.email : `token:${name}`,
    userId: isPersonal ? user.id : null,
    isAdmin: role === 'ADMIN' && row.projectId === null && (user?.isAdmin ?? true),
    roles: rolesOf(row),
  };
}

function rolesOf(row: TokenRow): Map<string, Role> {
  if (row.projectId !== null) return new Map([[row.projectId, weaker(row.role, 'OWNER')]]);
  return new Map(row.user?.members.map((member) => [member.projectId, weaker(member.role, row.role)]));
}
