import { type AgentMessage, MAX_UNACKNOWLEDGED_REPORTS } from '@coppice/protocol';
import type { FinishedEntry, JournalState } from '../journal/state.js';

/** Where reports go: one session. */
interface Way {
  send: (message: AgentMessage) => Promise<boolean>;
}

/**
 * Tells the API how commands ended, in the order of the journal: an acknowledgement covers everything up to its position, so a report that
 * overtook an older one would let that one be forgotten unread. Keeps nothing of its own: what is not acknowledged is in the journal, and
 * every session begins with it. Must never drop a report within a session, nor have more than MAX_UNACKNOWLEDGED_REPORTS under way.
 */
export class ReportOutbox {
  private way: Way | null = null;
  private sentUpTo = 0;

  constructor(private readonly state: Pick<JournalState, 'unacknowledged'>) {}

  /** A new session, which has heard nothing yet. */
  begin(way: Way): void {
    this.way = way;
    this.sentUpTo = 0;
    this.flush();
  }

  /** Sends what is due: call it after a command ended and after an acknowledgement. */
  flush(): void {
    const { way } = this;
    if (way === null) return;
    const unacknowledged = this.state.unacknowledged();
    let underWay = unacknowledged.filter(({ position }) => position <= this.sentUpTo).length;
    for (const entry of unacknowledged) {
      if (entry.position <= this.sentUpTo) continue;
      if (underWay >= MAX_UNACKNOWLEDGED_REPORTS) return;
      underWay += 1;
      this.sentUpTo = entry.position;
      this.sendTo(way, entry);
    }
  }

  /** The API asks again: it is told again, unless its turn in this session is still to come. */
  repeat(entry: FinishedEntry): void {
    if (this.way !== null && (entry.isAcknowledged || entry.position <= this.sentUpTo)) this.sendTo(this.way, entry);
    else this.flush();
  }

  /** What is lost with its session is sent again in the next. */
  private sendTo(way: Way, { commandId, position, outcome, at }: FinishedEntry): void {
    void way.send({ type: 'command.finished', commandId, position, outcome, at });
  }
}
