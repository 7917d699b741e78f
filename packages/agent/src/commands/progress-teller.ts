import type { AgentMessage } from '@coppice/protocol';
import type { CommandContext } from './context.js';

/** Bytes of a running step are told once in so many milliseconds: 4 times a second are enough for people, and for a rate. */
const BYTES_EVERY_MS = 250;

/** What the teller of one command needs. */
export interface ProgressTellerParts {
  readonly commandId: string;
  readonly tell: (message: AgentMessage) => void;
  readonly now: () => Date;
}

/** The `progress` of one command's context. A step's beginning and end are always told; the bytes in between as often as is of use. */
export function progressTeller({ commandId, tell, now }: ProgressTellerParts): CommandContext['progress'] {
  let lastBytesAt = Number.NEGATIVE_INFINITY;
  return (step, state, about = {}) => {
    const { target = null, bytesDone = null, bytesTotal = null } = typeof about === 'string' ? { target: about } : about;
    const at = now();
    if (state === 'RUNNING' && bytesDone !== null) {
      if (at.getTime() - lastBytesAt < BYTES_EVERY_MS) return;
      lastBytesAt = at.getTime();
    }
    tell({ type: 'command.progressed', commandId, step, state, target, bytesDone, bytesTotal, at: at.toISOString() });
  };
}
