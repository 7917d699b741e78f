/** Bounds of the hosts' sessions, each with its unit and its reason. */

/** How often both sides say that they live, in milliseconds. */
export const HEARTBEAT_INTERVAL_MS = 5_000;
/** Silence after which a session is over, in milliseconds: three heartbeats lost, and one that is late. */
export const HEARTBEAT_TIMEOUT_MS = 20_000;

/** Bytes that may wait to be sent on one socket before it is given up: the agent does not read any more. */
export const MAX_BUFFERED_BYTES = 8 * 1024 * 1024;

/** Pause before a message is handled again while the database is away, in milliseconds. */
export const DATABASE_RETRY_MS = 1_000;

/** Tries of a message that fails for another reason than a database that is away. */
export const HANDLING_TRIES = 3;

/** How often commands that were never sent are looked at for their expiry, in milliseconds. */
export const EXPIRY_SWEEP_MS = 5_000;
/** How often the hosts of replicas that died are looked for, in milliseconds. */
export const LIVENESS_SWEEP_MS = 5_000;
/** How often `lastSeenAt` of a replica's hosts is written, in one statement, in milliseconds; nothing decides by it. */
export const LAST_SEEN_MS = 60_000;
/** How often machines are looked for that are in the middle of something without an operation; it should find none, ever. Milliseconds. */
export const SETTLE_SWEEP_MS = 30_000;
/** How often idempotency keys that are free again are removed, in milliseconds. */
export const KEY_SWEEP_MS = 600_000;

/** Sockets that may be in the middle of a hello at once: a whole data centre that reconnects comes in with jitter. */
export const MAX_HELLOS = 200;
