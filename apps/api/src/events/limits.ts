/** Bounds of the stream, each with its unit and its reason. */

/** Transitions in one page of a replay: about 250 KiB, and one index range scan of a few milliseconds. */
export const REPLAY_PAGE = 500;

/** Positions that one page of a filtered replay looks at: bounds the scan where almost nothing matches, some 10 ms. */
export const REPLAY_WINDOW = 5_000;

/** Transitions that a replica keeps in memory: whoever is no further behind than this is served without the database. */
export const RING_RECORDS = 5_000;

/** How often a replica numbers and looks without having been woken, in milliseconds: a lost wake-up costs at most this. */
export const POLL_MS = 1_000;

/** After so long without a matching transition a follower gets a batch without records, so that its cursor stays fresh; milliseconds. */
export const BOOKMARK_MS = 15_000;

/** Transitions numbered by one call of the relay: some 50 ms of one short transaction. */
export const RELAY_BATCH = 5_000;
