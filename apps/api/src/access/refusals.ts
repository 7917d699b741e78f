import { type Refusal, refused } from '../errors/refusal.js';
import { type Principal, ROLES, type Role } from './principal.js';
import { isAtLeast, roleIn } from './scope.js';

/** It is not there, or it is another project's: one sentence for both, so that nothing can be learnt from it. */
export function notFound(what: string, ...path: string[]): Refusal {
  return { code: 'NOT_FOUND', message: `${what} was not found. Nothing was changed; check the id.`, path };
}

/** The caller sees it, but its role is too weak. */
export function forbidden(needed: Role): Refusal {
  const wanted = needed === 'ADMIN' ? 'an ADMIN' : `the role ${ROLES.slice(ROLES.indexOf(needed), 3).join(' or ')} in the project`;
  return { code: 'FORBIDDEN', message: `This needs ${wanted}. Nothing was changed; ask somebody who has it.` };
}

/** Null where the caller has the role in the project; NOT_FOUND where it must not know of it, else FORBIDDEN. */
export function refusalFor(
  principal: Principal,
  target: { projectId: string | null; what: string; path: string[] },
  needed: Role,
): Refusal | null {
  const role = roleIn(principal, target.projectId);
  if (role === null) return notFound(target.what, ...target.path);
  return isAtLeast(role, needed) ? null : forbidden(needed);
}

/** Refused where the caller is no ADMIN; for what belongs to the installation. */
export function refusedUnlessAdmin(principal: Principal) {
  return principal.isAdmin ? null : refused(forbidden('ADMIN'));
}
