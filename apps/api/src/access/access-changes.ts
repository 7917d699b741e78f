/** Use cases that change who may do what. Each leaves an audit event, and an ACCESS transition in the same transaction. */
import type { Outcome } from '../errors/refusal.js';
import type { Principal, Role } from './principal.js';

/** What the resolvers of projects and tokens call. Ids are plain; what the caller may not see is NOT_FOUND. */
export interface AccessChanges {
  /** ADMIN. */
  createProject(principal: Principal, input: { name: string }): Promise<Outcome<{ projectId: string }>>;
  /** OWNER. Makes the person known; role null removes it from the project. */
  setProjectMember(
    principal: Principal,
    input: { projectId: string | null; email: string; role: Role | null },
  ): Promise<Outcome<{ projectId: string }>>;
  /** ADMIN. Null is unlimited. */
  setProjectQuota(
    principal: Principal,
    input: { projectId: string | null; vmSnapshots: number | null; volumeSnapshots: number | null; snapshotBytes: number | null },
  ): Promise<Outcome<{ projectId: string }>>;
  /** OWNER of the project; a personal token: its person. The text is in the answer and nowhere else. */
  createAccessToken(principal: Principal, input: NewToken): Promise<Outcome<{ tokenId: string; token: string }>>;
  /** OWNER of the project, or the person; ADMIN. The answer is the record as it was. */
  revokeAccessToken(principal: Principal, input: { tokenId: string | null }): Promise<Outcome<{ tokenId: string }>>;
}

/** What a new token shall be. `project`: 'personal', or the project's plain id, null where the id given was none. */
export type NewToken = { project: 'personal' | { id: string | null }; name: string; role: Role; expiresAt: Date | null };
