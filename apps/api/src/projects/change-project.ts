/** Use cases of projects: who may, what is allowed, then one transaction. */
import type { AccessChanges } from '../access/access-changes.js';
import type { Principal } from '../access/principal.js';
import { notFound, refusalFor, refusedUnlessAdmin } from '../access/refusals.js';
import { auditRefusal } from '../audit/audit.store.js';
import { nameTaken, refusalOfName } from '../errors/names.js';
import { done, type Outcome, type Refusal, refused } from '../errors/refusal.js';
import type { Write } from '../events/write.js';
import { type Database, databaseFailure } from '../platform/database.js';
import { newId } from '../platform/ids.js';
import { insertProject, lockProject, setMember, setQuota } from './project.store.js';

type ProjectChanges = Pick<AccessChanges, 'createProject' | 'setProjectMember' | 'setProjectQuota'>;
type Options = { database: Database; write: Write };
type Changed = Outcome<{ projectId: string }>;

/** Longest email, by RFC 5321. */
const MAX_EMAIL = 254;

const NO_PROJECT: Refusal = notFound('The project', 'projectId');

/** Makes the use cases. */
export function createProjectChanges(options: Options): ProjectChanges {
  const audited = (tried: { principal: Principal; action: string; projectId: string | null }, outcome: Changed) =>
    auditRefusal(options.database, { ...tried, subjectId: tried.projectId }, outcome);
  return {
    createProject: async (principal, { name }) =>
      audited({ principal, action: 'createProject', projectId: null }, await createProject(options, principal, name)),
    setProjectMember: async (principal, input) =>
      audited({ principal, action: 'setProjectMember', projectId: input.projectId }, await setProjectMember(options, principal, input)),
    setProjectQuota: async (principal, input) =>
      audited({ principal, action: 'setProjectQuota', projectId: input.projectId }, await setProjectQuota(options, principal, input)),
  };
}

async function createProject({ write }: Options, principal: Principal, name: string): Promise<Changed> {
  const no = refusedUnlessAdmin(principal);
  if (no) return no;
  const bad = refusalOfName(name, 'name');
  if (bad) return refused(bad);
  const id = newId();
  try {
    await write((transaction) => insertProject(transaction, principal, { id, name }));
  } catch (error) {
    if (databaseFailure(error) === 'DUPLICATE') return refused(nameTaken('a project', name, 'name'));
    throw error;
  }
  return done({ projectId: id });
}

async function setProjectMember(
  { write }: Options,
  principal: Principal,
  input: Parameters<AccessChanges['setProjectMember']>[1],
): Promise<Changed> {
  const { projectId } = input;
  if (projectId === null) return refused(NO_PROJECT);
  const no = refusalFor(principal, { projectId, what: 'The project', path: ['projectId'] }, 'OWNER');
  if (no) return refused(no);
  const email = input.email.trim().toLowerCase();
  if (!/^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(email) || email.length > MAX_EMAIL) {
    return refused({ code: 'INVALID_INPUT', message: 'This is no email. Nothing was changed.', path: ['email'] });
  }
  if (input.role === 'ADMIN') {
    const message = 'ADMIN is no role within a project: give VIEWER, OPERATOR or OWNER. Nothing was changed.';
    return refused({ code: 'INVALID_INPUT', message, path: ['role'] });
  }
  const isThere = await write(async (transaction) => {
    if (!(await lockProject(transaction, projectId))) return false;
    await setMember(transaction, principal, { projectId, email, role: input.role });
    return true;
  });
  return isThere ? done({ projectId }) : refused(NO_PROJECT);
}

async function setProjectQuota(
  { write }: Options,
  principal: Principal,
  input: Parameters<AccessChanges['setProjectQuota']>[1],
): Promise<Changed> {
  const { projectId, vmSnapshots, volumeSnapshots, snapshotBytes } = input;
  if (projectId === null) return refused(NO_PROJECT);
  const no = refusalFor(principal, { projectId, what: 'The project', path: ['projectId'] }, 'ADMIN');
  if (no) return refused(no);
  for (const [field, value] of Object.entries({ vmSnapshots, volumeSnapshots, snapshotBytes })) {
    if (value !== null && value < 0) {
      return refused({ code: 'INVALID_INPUT', message: `${field} is below 0. Nothing was changed.`, path: [field] });
    }
  }
  const wanted = { projectId, vmSnapshots, volumeSnapshots, snapshotBytes };
  const isThere = await write((transaction) => setQuota(transaction, principal, wanted));
  return isThere ? done({ projectId }) : refused(NO_PROJECT);
}
