import { decodeRecord, type JournalRecord } from './record.js';

/** What a journal's bytes say. `wholeBytes`: where the last whole record ends; what follows was torn by a crash and is cut off. */
export interface JournalText {
  readonly records: JournalRecord[];
  readonly wholeBytes: number;
}

/** The journal was changed by something else than a crash: nothing may be executed on the strength of it. */
class JournalCorrupt extends Error {
  constructor(problem: string, options?: { cause: unknown }) {
    super(
      `${problem}. No command was executed. If the disk is sound and this host's operations are settled, move the journal away: ` +
        'the agent then starts a new one, which an ADMIN must accept.',
      options,
    );
    this.name = 'JournalCorrupt';
  }
}

const LINE_FEED = 0x0a;

/**
 * Reads all records. A bad record with nothing whole after it is a write that a crash tore; a bad record before a whole one is corruption.
 * Throws JournalCorrupt for that, and for positions that do not follow each other.
 */
export function readJournal(bytes: Buffer): JournalText {
  const records: JournalRecord[] = [];
  let wholeBytes = 0;
  let badLine: number | undefined;
  let lineNumber = 0;
  for (let start = 0; start < bytes.length; ) {
    lineNumber += 1;
    const end = bytes.indexOf(LINE_FEED, start);
    const record = end < 0 ? undefined : decode(bytes.toString('utf8', start, end), lineNumber);
    if (record === undefined) badLine ??= lineNumber;
    else {
      if (badLine !== undefined) throw new JournalCorrupt(`Line ${badLine} of the journal is damaged, and whole records follow it`);
      requireNext(records.at(-1), record, lineNumber);
      records.push(record);
      wholeBytes = end + 1;
    }
    start = end < 0 ? bytes.length : end + 1;
  }
  return { records, wholeBytes };
}

function decode(line: string, lineNumber: number): JournalRecord | undefined {
  try {
    return decodeRecord(line);
  } catch (cause) {
    throw new JournalCorrupt(`Line ${lineNumber} of the journal is whole but was written by another version of the agent`, { cause });
  }
}

function requireNext(last: JournalRecord | undefined, next: JournalRecord, lineNumber: number): void {
  if (last === undefined) {
    if (next.kind !== 'content') throw new JournalCorrupt('The journal does not begin with its content record');
  } else if (next.position !== last.position + 1) {
    throw new JournalCorrupt(`Line ${lineNumber} of the journal has position ${next.position} after ${last.position}`);
  }
}
