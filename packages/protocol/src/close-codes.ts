/**
 * Why a session was closed, as WebSocket close codes (4000 to 4999 are for applications, RFC 6455 §7.4.2).
 * The agent reconnects after every one of them but those in FINAL_CLOSE_CODES, which need a person.
 */
export const CloseCode = {
  /** The message was not of this protocol. */
  BAD_MESSAGE: 4400,
  /** Wrong key, unknown host, used or expired enrolment token. */
  UNAUTHENTICATED: 4401,
  /** The host was revoked by an ADMIN. */
  REVOKED: 4403,
  /** No hello within HELLO_TIMEOUT_MS, or no heartbeat in time. */
  TIMEOUT: 4408,
  /** A newer session of the same host took over. */
  REPLACED: 4409,
  /** Another or an older journal than the host is bound to; an ADMIN must accept it. */
  JOURNAL_REFUSED: 4412,
  MESSAGE_TOO_LARGE: 4413,
  /** No protocol version that both sides speak. */
  VERSION_REFUSED: 4426,
  /** The API stops or lost its database; try again soon. */
  UNAVAILABLE: 4503,
} as const;

/** One of the values of CloseCode. */
export type CloseCodeValue = (typeof CloseCode)[keyof typeof CloseCode];

/** After these the agent retries only slowly (once a minute), because waiting alone mends nothing. */
export const FINAL_CLOSE_CODES: ReadonlySet<number> = new Set([
  CloseCode.UNAUTHENTICATED,
  CloseCode.REVOKED,
  CloseCode.JOURNAL_REFUSED,
  CloseCode.VERSION_REFUSED,
]);
