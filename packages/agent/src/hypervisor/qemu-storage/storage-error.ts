import { CommandProblem, hasErrorCode } from '../../failure.js';

/** What the storage refused, in the words of the protocol: INSUFFICIENT_SPACE where it is full, else IO_ERROR. */
export function storageError(path: string, cause: unknown): CommandProblem {
  const text = cause instanceof Error ? cause.message : String(cause);
  const isFull =
    hasErrorCode(cause, 'ENOSPC') || hasErrorCode(cause, 'EDQUOT') || /No space left on device|Disk quota exceeded/i.test(text);
  return isFull
    ? new CommandProblem({
        code: 'INSUFFICIENT_SPACE',
        retryable: true,
        message: `There is no room for ${path}.`,
        hint: 'Make room in the pool, then retry.',
        cause,
      })
    : new CommandProblem({
        code: 'IO_ERROR',
        retryable: true,
        message: `The storage refused ${path}: ${text}.`,
        hint: 'Look at the pool on the host, then retry.',
        cause,
      });
}
