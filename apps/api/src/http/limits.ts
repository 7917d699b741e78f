/** Bounds of connections. Each has its reason. */

/** How far a subscriber may be behind, in bytes that its connection has not taken: a stopped one must not fill our memory. */
export const MAX_BEHIND_BYTES = 1024 * 1024;
/** Time to catch up from there, in milliseconds; a replay to a sound client over a slow line takes its own pace within this. */
export const CATCH_UP_MS = 5_000;
/** Time for a closing handshake, in milliseconds: one who has stopped may look up again and read why; beyond it, it is cut off. */
export const CLOSE_MS = 10_000;
/** The same when the process stops, which waits for nobody for long. */
export const CLOSE_AT_STOP_MS = 2_000;
/** How often a quiet connection is asked whether it is alive, in milliseconds: below the idle limit of every common proxy. */
export const KEEP_ALIVE_MS = 12_000;
/** Operations that one WebSocket may have open: the dashboard has five. */
export const MAX_OPERATIONS_PER_SOCKET = 100;
/** WebSockets and event streams that one process carries: some 20 kB each. */
export const MAX_STREAMS = 20_000;
/** How long a browser keeps its session, in seconds, unless its token ends earlier: a week. */
export const SESSION_SECONDS = 7 * 24 * 3600;
/** How long a stop waits for requests that run, in milliseconds. */
export const DRAIN_MS = 8_000;

/** Why a GraphQL WebSocket was closed, as close codes beside those of graphql-transport-ws. Clients reconnect after all but UNAUTHENTICATED and INTERNAL. */
export const GraphqlCloseCode = {
  GOING_AWAY: 1001,
  UNAUTHENTICATED: 4401,
  INTERNAL: 4500,
  /** The database is away: clients of graphql-ws come back by themselves after this one. */
  TRY_AGAIN_LATER: 1013,
  TOO_MANY: 4503,
  RESYNC: 4430,
} as const;

/** A connection ends so long before its token does: its subscriptions end with the token, and would say less well why. */
export const END_BEFORE_EXPIRY_MS = 50;
