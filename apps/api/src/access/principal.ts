/** Who asks. Made once per request or connection by access/, passed down, never looked up elsewhere. */

/** The roles of the contract, weakest first. ADMIN is global. */
export const ROLES = ['VIEWER', 'OPERATOR', 'OWNER', 'ADMIN'] as const;
export type Role = (typeof ROLES)[number];

/** Who did something, as it is written into transitions, operations and snapshots (JSON). */
export type ActorRecord = { kind: 'USER' | 'TOKEN' | 'POLICY' | 'HOST' | 'SYSTEM'; name: string; userId: string | null };

/** Which projects somebody may read. Applied to every query, event and subscription. */
export type AccessScope = { isAdmin: boolean; projectIds: ReadonlySet<string> };

/** An authenticated caller. */
export type Principal = {
  tokenId: string;
  /** Stable name for idempotency keys: `token:<id>`. */
  key: string;
  actor: ActorRecord;
  email: string;
  userId: string | null;
  isAdmin: boolean;
  /** Strongest role per project id; empty for an ADMIN, who may do everything. */
  roles: ReadonlyMap<string, Role>;
  expiresAt: Date | null;
};
