/** Writes of tokens. The text of a token never comes here, only its hash. */
import { recordAudit } from '../audit/audit.store.js';
import { insertTransitions } from '../events/transition.store.js';
import type { Reader, Transaction } from '../platform/database.js';
import type { AccessToken } from '../platform/generated/client.js';
import { accessChanged } from './access-record.js';
import type { Principal, Role } from './principal.js';

/** A token to be inserted: of a project, or of a person. */
export type TokenInsert = {
  id: string;
  name: string;
  tokenHash: Uint8Array<ArrayBuffer>;
  role: Role;
  projectId: string | null;
  userId: string | null;
  expiresAt: Date | null;
};

/** One token's row; null where there is none. */
export async function findToken(reader: Reader, id: string): Promise<AccessToken | null> {
  return reader.accessToken.findUnique({ where: { id } });
}

/** Inserts a token; answers why not. The owner's row is locked, so that a name is taken once. */
export async function insertToken(
  transaction: Transaction,
  principal: Principal,
  token: TokenInsert,
): Promise<'DONE' | 'NO_OWNER' | 'NAME_TAKEN'> {
  const { projectId, userId, name } = token;
  const owner =
    projectId === null
      ? await transaction.$queryRaw<object[]>`SELECT id FROM user_account WHERE id = ${userId}::uuid FOR NO KEY UPDATE`
      : await transaction.$queryRaw<object[]>`SELECT id FROM project WHERE id = ${projectId}::uuid FOR NO KEY UPDATE`;
  if (owner.length === 0) return 'NO_OWNER';
  const sameName = await transaction.accessToken.count({ where: { projectId, userId, name, revokedAt: null } });
  if (sameName > 0) return 'NAME_TAKEN';
  await transaction.accessToken.create({ data: token, select: { id: true } });
  await recordAudit(transaction, {
    principal,
    action: 'createAccessToken',
    projectId,
    subjectId: token.id,
    subjectName: name,
    outcome: 'DONE',
    detail: token.role,
  });
  return 'DONE';
}

/** Revokes a token; false where it was revoked before. */
export async function revokeToken(
  transaction: Transaction,
  principal: Principal,
  token: { id: string; name: string; projectId: string | null; at: Date },
): Promise<boolean> {
  const { id, name, projectId, at } = token;
  const { count } = await transaction.accessToken.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: at } });
  if (count === 0) return false;
  await recordAudit(transaction, {
    principal,
    action: 'revokeAccessToken',
    projectId,
    subjectId: id,
    subjectName: name,
    outcome: 'DONE',
  });
  await insertTransitions(transaction, [accessChanged(principal, { projectId, subjectId: id, event: 'revoke-token' })]);
  return true;
}

/** Makes a token of this hash work for a person who is ADMIN; both are made where they are not there. */
export async function ensureAdminToken(
  transaction: Transaction,
  wanted: { email: string; userId: string; tokenId: string; tokenHash: Uint8Array<ArrayBuffer> },
): Promise<void> {
  const { email, tokenHash } = wanted;
  const user = await transaction.user.upsert({
    where: { email },
    create: { id: wanted.userId, email, isAdmin: true },
    update: { isAdmin: true },
    select: { id: true },
  });
  await transaction.accessToken.upsert({
    where: { tokenHash },
    create: { id: wanted.tokenId, name: 'bootstrap', tokenHash, role: 'ADMIN', userId: user.id },
    update: { role: 'ADMIN', userId: user.id, projectId: null, revokedAt: null, expiresAt: null },
    select: { id: true },
  });
}
