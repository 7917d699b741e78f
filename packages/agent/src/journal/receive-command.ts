import type { CommandIssued } from '@coppice/protocol';
import type { FinishedEntry, JournalState } from './state.js';

/** What to do with a command that arrived. */
export type Receipt =
  | { kind: 'drop'; why: string }
  | { kind: 'answer-again'; finished: FinishedEntry }
  | { kind: 'accept-again' }
  | { kind: 'forgotten' }
  | { kind: 'stale-epoch'; highest: number }
  | { kind: 'accept' };

/**
 * Decides by the journal alone (PROTOCOL.md, Repeats); the first row that holds:
 *
 *   another session's epoch                      → dropped: a replica that was paused sends it
 *   its result is in the journal                 → answered with that result
 *   accepted and not finished                    → told again that it is accepted; it runs once
 *   number ≤ highest of its incarnation, unknown → "forgotten", never executed
 *   machine epoch below the highest              → accepted and refused: a newer operation has the machine
 *   else                                         → accepted
 */
export function receiveCommand(state: JournalState, sessionEpoch: number, command: CommandIssued): Receipt {
  if (command.sessionEpoch !== sessionEpoch)
    return { kind: 'drop', why: `it is of session epoch ${command.sessionEpoch}, this is ${sessionEpoch}` };
  const finished = state.finishedCommand(command.id);
  if (finished !== undefined) return { kind: 'answer-again', finished };
  if (state.unfinishedCommand(command.id) !== undefined) return { kind: 'accept-again' };
  if (command.number <= state.highestNumber(command.incarnation)) return { kind: 'forgotten' };
  const highest = state.machineEpoch(command.body.machineUuid);
  return command.machineEpoch < highest ? { kind: 'stale-epoch', highest } : { kind: 'accept' };
}
