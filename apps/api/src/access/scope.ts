/** What a caller may see and do. Every read goes through `ownedBy` or `mayRead`; nothing else in this API decides about projects. */
import { type AccessScope, type Principal, ROLES, type Role } from './principal.js';

/** The projects that the caller may read. */
export function scopeOf(principal: Principal): AccessScope {
  return { isAdmin: principal.isAdmin, projectIds: new Set(principal.roles.keys()) };
}

/** The condition that a store adds to every query of rows with a project. What belongs to nobody yet is ADMIN's. */
export function ownedBy(scope: AccessScope): { projectId?: { in: string[] } } {
  return scope.isAdmin ? {} : { projectId: { in: [...scope.projectIds] } };
}

/** The same for something that is in memory already; null: it belongs to nobody yet. */
export function mayRead(scope: AccessScope, projectId: string | null): boolean {
  return scope.isAdmin || (projectId !== null && scope.projectIds.has(projectId));
}

/** The caller's role in a project; ADMIN everywhere for an ADMIN, null where it must not know of the project. */
export function roleIn(principal: Principal, projectId: string | null): Role | null {
  if (principal.isAdmin) return 'ADMIN';
  return projectId === null ? null : (principal.roles.get(projectId) ?? null);
}

/** Whether a role allows what `needed` allows. */
export function isAtLeast(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** The weaker of two roles. */
export function weaker(a: Role, b: Role): Role {
  return isAtLeast(a, b) ? b : a;
}
