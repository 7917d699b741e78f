/** Use cases of tokens. A token never gives more than its maker has: not a stronger role, not another project, not a later end. */
import { auditRefusal } from '../audit/audit.store.js';
import { nameTaken, refusalOfName } from '../errors/names.js';
import { done, type Outcome, type Refusal, refused } from '../errors/refusal.js';
import type { Write } from '../events/write.js';
import type { Clock } from '../platform/clock.js';
import type { Database } from '../platform/database.js';
import { newId } from '../platform/ids.js';
import type { AccessChanges, NewToken } from './access-changes.js';
import type { Principal } from './principal.js';
import { forbidden, notFound, refusalFor } from './refusals.js';
import { isAtLeast, roleIn } from './scope.js';
import { findToken, insertToken, revokeToken } from './token.store.js';
import { hashToken, newTokenText } from './token.js';

type TokenChanges = Pick<AccessChanges, 'createAccessToken' | 'revokeAccessToken'>;
type Options = { database: Database; write: Write; clock: Clock };

/** Makes the use cases. */
export function createTokenChanges(options: Options): TokenChanges {
  const { database } = options;
  return {
    async createAccessToken(principal, input) {
      const projectId = input.project === 'personal' ? null : input.project.id;
      const tried = { principal, action: 'createAccessToken', projectId, subjectId: null, subjectName: input.name };
      return auditRefusal(database, tried, await createToken(options, principal, input));
    },
    async revokeAccessToken(principal, input) {
      const tried = { principal, action: 'revokeAccessToken', projectId: null, subjectId: input.tokenId };
      return auditRefusal(database, tried, await revoke(options, principal, input.tokenId));
    },
  };
}

const NO_PROJECT = notFound('The project', 'projectId');

async function createToken(options: Options, principal: Principal, input: NewToken): Promise<Outcome<{ tokenId: string; token: string }>> {
  const refusal = checkOwner(principal, input) ?? refusalOfName(input.name, 'name') ?? (await checkStrength(options, principal, input));
  if (refusal) return refused(refusal);
  const expiresAt = input.expiresAt ?? principal.expiresAt;
  const late = checkExpiry(options.clock.now(), expiresAt, principal.expiresAt);
  if (late) return refused(late);
  const token = newTokenText();
  const projectId = input.project === 'personal' ? null : input.project.id;
  const userId = input.project === 'personal' ? principal.userId : null;
  const row = { id: newId(), name: input.name, tokenHash: hashToken(token), role: input.role, projectId, userId, expiresAt };
  const result = await options.write((transaction) => insertToken(transaction, principal, row));
  if (result === 'NO_OWNER') return refused(NO_PROJECT);
  if (result === 'NAME_TAKEN') return refused(nameTaken('a token', input.name, 'name'));
  return done({ tokenId: row.id, token });
}

function checkOwner(principal: Principal, input: NewToken): Refusal | null {
  if (input.project === 'personal') {
    if (principal.userId !== null) return null;
    const message = 'This token is nobody’s own, so it cannot make a personal one. Nothing was changed; name a project.';
    return { code: 'INVALID_INPUT', message, path: ['projectId'] };
  }
  if (input.project.id === null) return NO_PROJECT;
  return refusalFor(principal, { projectId: input.project.id, what: 'The project', path: ['projectId'] }, 'OWNER');
}

async function checkStrength(options: Options, principal: Principal, input: NewToken): Promise<Refusal | null> {
  if (input.project !== 'personal') {
    if (input.role !== 'ADMIN') {
      const own = roleIn(principal, input.project.id);
      return own !== null && isAtLeast(own, input.role) ? null : forbidden(input.role);
    }
    const message = 'ADMIN is no role within a project: give VIEWER, OPERATOR or OWNER. Nothing was changed.';
    return { code: 'INVALID_INPUT', message, path: ['role'] };
  }
  if (input.role === 'ADMIN' && !principal.isAdmin) return forbidden('ADMIN');
  // A personal token of a weaker role must not be a way to a stronger one.
  const own = await findToken(options.database, principal.tokenId);
  return own !== null && isAtLeast(own.role, input.role) ? null : forbidden(input.role);
}

function checkExpiry(now: Date, wanted: Date | null, own: Date | null): Refusal | null {
  if (wanted !== null && wanted <= now) {
    return { code: 'INVALID_INPUT', message: 'expiresAt is not in the future. Nothing was changed.', path: ['expiresAt'] };
  }
  if (own === null || (wanted !== null && wanted <= own)) return null;
  const message = `A token cannot outlive the one that makes it, which ends at ${own.toISOString()}. Nothing was changed.`;
  return { code: 'INVALID_INPUT', message, path: ['expiresAt'] };
}

async function revoke(options: Options, principal: Principal, tokenId: string | null): Promise<Outcome<{ tokenId: string }>> {
  const missing = notFound('The token', 'tokenId');
  const token = tokenId === null ? null : await findToken(options.database, tokenId);
  if (token === null || token.revokedAt !== null) return refused(missing);
  const isOwn = token.projectId === null && token.userId !== null && token.userId === principal.userId;
  const refusal = isOwn ? null : refusalFor(principal, { projectId: token.projectId, what: 'The token', path: ['tokenId'] }, 'OWNER');
  if (refusal) return refused(refusal);
  const { id, name, projectId } = token;
  const isDone = await options.write((transaction) =>
    revokeToken(transaction, principal, { id, name, projectId, at: options.clock.now() }),
  );
  return isDone ? done({ tokenId: id }) : refused(missing);
}
