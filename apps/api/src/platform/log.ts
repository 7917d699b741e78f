import { type Logger, pino } from 'pino';

/** The log of a process: one JSON object per line on standard output. */
export type Log = Logger;

/** Levels of the log, quietest last. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

/** Opens the log. Tokens, keys and cookies are blanked wherever they would appear. */
export function createLog(level: (typeof LOG_LEVELS)[number]): Log {
  return pino({
    level,
    base: null,
    redact: {
      paths: ['token', '*.token', 'authorization', '*.authorization', 'cookie', '*.cookie', 'signature', '*.signature'],
      censor: '…',
    },
  });
}
