/** The stream of transitions as one caller may see it. Access is checked here, for each record, when it is sent. */
import { setTimeout as pause } from 'node:timers/promises';
import type { EventFeed, FeedBatch, FeedFilter, StreamPosition } from '../events/event-feed.js';
import type { TransitionRecord } from '../events/transition.js';
import { accessLost, unauthenticated } from '../graphql/request-errors.js';
import { databaseFailure } from '../platform/database.js';
import { expirySignal } from './expiry.js';
import type { AccessScope, Principal } from './principal.js';
import { mayRead, scopeOf } from './scope.js';

/** A batch that may be sent to this caller. `through` is the cursor after it. */
export type VisibleBatch = { records: TransitionRecord[]; through: StreamPosition; principal: Principal };

/** What is followed, for whom, and from where. */
export type Followed = {
  feed: EventFeed;
  principalOf: (tokenId: string) => Promise<Principal | null>;
  principal: Principal;
  after: StreamPosition;
  /** What is wanted within a scope. */
  filterFor: (scope: AccessScope) => FeedFilter;
  /** Called with the caller as it is now after each change of access, and for a record that it may not read; throws to end the stream. */
  recheck?: (principal: Principal) => Promise<void>;
};

/**
 * Follows the feed. A change of access (an ACCESS record) is handled in its place in the order: what came before goes out under the old
 * scope, then the caller is looked up again, and nothing later goes out before that. A caller that lost something ends with an error,
 * one that gained goes on with the wider scope. The token's end is a timer, because no record tells of it.
 */
export async function* followVisible(followed: Followed, signal: AbortSignal): AsyncGenerator<VisibleBatch, void, void> {
  using expiry = expirySignal(followed.principal.expiresAt);
  const ended = AbortSignal.any([signal, expiry.signal]);
  let { principal, after } = followed;
  while (!ended.aborted) {
    const filter = followed.filterFor(scopeOf(principal));
    let isWidened = false;
    for await (const batch of patiently(followed.feed, { after: () => after, filter }, ended)) {
      for await (const part of partsOf({ ...followed, signal: ended }, batch, principal)) {
        const through = { incarnation: after.incarnation, position: part.through };
        isWidened ||= hasMore(principal, part.principal);
        principal = part.principal;
        after = through;
        // An empty part is a bookmark only where the feed meant one: it must not tell that something happened to somebody else.
        const isWorthTelling = part.records.length > 0 || batch.records.length === 0;
        if (isWorthTelling && !ended.aborted) yield { records: part.records, through, principal };
        if (isWidened) break;
      }
      if (isWidened) break;
    }
  }
  if (expiry.signal.aborted && !signal.aborted) throw unauthenticated();
}

/** While the database is away, a stream waits instead of ending; then it goes on behind what was handled. */
const RETRY_MS = 1_000;

/** Asks again and again while the database is away. Throws anything else. */
async function answered<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (databaseFailure(error) !== 'LOST' || signal.aborted) throw error;
      await pause(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function* patiently(
  feed: EventFeed,
  wanted: { after: () => StreamPosition; filter: FeedFilter },
  ended: AbortSignal,
): AsyncGenerator<FeedBatch, void, void> {
  while (!ended.aborted) {
    try {
      yield* feed.follow(wanted.after(), wanted.filter, ended);
      return;
    } catch (error) {
      if (databaseFailure(error) !== 'LOST') throw error;
      await pause(RETRY_MS, undefined, { signal: ended }).catch(() => undefined);
    }
  }
}

type Part = { records: TransitionRecord[]; through: bigint; principal: Principal };

/** Cuts a batch at its changes of access. */
async function* partsOf(
  followed: Followed & { signal: AbortSignal },
  batch: { records: readonly TransitionRecord[]; through: bigint },
  principal: Principal,
): AsyncGenerator<Part, void, void> {
  let caller = principal;
  let records: TransitionRecord[] = [];
  for (const record of batch.records) {
    if (record.subjectType !== 'ACCESS') {
      if (mayRead(scopeOf(caller), record.projectId)) records.push(record);
      // What is watched may have gone to another project, which no change of the caller's own access tells.
      else await recheck(followed, caller);
      continue;
    }
    if (!concerns(caller, record)) continue;
    yield { records, through: record.position - 1n, principal: caller };
    records = [];
    caller = await callerNow(followed, caller);
    yield { records: [], through: record.position, principal: caller };
  }
  yield { records, through: batch.through, principal: caller };
}

/** Whether a change of access may touch this caller: its token, its person, or one of its projects. */
function concerns(principal: Principal, record: TransitionRecord): boolean {
  if (record.subjectId === principal.tokenId || record.subjectId === principal.userId) return true;
  return record.projectId !== null && principal.roles.has(record.projectId);
}

async function recheck(followed: Followed & { signal: AbortSignal }, caller: Principal): Promise<void> {
  const { recheck: check, signal } = followed;
  if (check) await answered(() => check(caller), signal);
}

async function callerNow(followed: Followed & { signal: AbortSignal }, before: Principal): Promise<Principal> {
  const now = await answered(() => followed.principalOf(before.tokenId), followed.signal);
  if (now === null) throw unauthenticated();
  const isLess = (before.isAdmin && !now.isAdmin) || [...before.roles.keys()].some((id) => !now.isAdmin && !now.roles.has(id));
  if (isLess) throw accessLost();
  await recheck(followed, now);
  return now;
}

function hasMore(before: Principal, now: Principal): boolean {
  return (!before.isAdmin && now.isAdmin) || [...now.roles.keys()].some((id) => !before.roles.has(id));
}
