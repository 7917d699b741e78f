/** Bounds of a session; both sides close with MESSAGE_TOO_LARGE or pause beyond them. */

/** Largest single message in bytes: an inventory of one machine with 32 disks and 200 layers each is about 1.5 MiB. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Commands that one host may have running at once. */
export const MAX_RUNNING_COMMANDS = 4;

/** Reports that may be unacknowledged before the API stops reading from the socket. */
export const MAX_UNACKNOWLEDGED_REPORTS = 64;

/** Time for the whole hello, from the opened socket to `session.welcomed`. */
export const HELLO_TIMEOUT_MS = 15_000;
