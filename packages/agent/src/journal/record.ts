import { crc32 } from 'node:zlib';
import { commandIssued, commandOutcome } from '@coppice/protocol';
import { z } from 'zod';

const position = z.int().positive();
const moment = z.iso.datetime();

/** A command as the journal knows it between its acceptance and the end of its tombstone. */
export const commandEntry = z.object({
  command: commandIssued,
  acceptedAt: moment,
  hasBegun: z.boolean(),
  /** Steps in the order in which they were written. */
  steps: z.array(z.object({ name: z.string(), detail: z.record(z.string(), z.string()), at: moment })),
});

/** The end of a command. A tombstone once `isAcknowledged`. `number` is null for a command that was only ever answered "forgotten". */
export const finishedEntry = z.object({
  commandId: z.guid(),
  position,
  outcome: commandOutcome,
  at: moment,
  isAcknowledged: z.boolean(),
});

/** A freeze of a guest that nobody has confirmed to be over. */
export const freezeEntry = z.object({ machineUuid: z.guid(), commandId: z.guid(), at: moment });

/** All that the journal says, as one value: what compaction writes, and what reading folds records into. */
const journalContent = z.object({
  id: z.guid(),
  position,
  highestCommand: z.object({ incarnation: z.guid(), number: z.int() }).nullable(),
  highestNumbers: z.record(z.guid(), z.int()),
  machineEpochs: z.record(z.guid(), z.int()),
  unfinished: z.array(commandEntry),
  finished: z.array(finishedEntry),
  freezes: z.array(freezeEntry),
});
export type JournalContent = z.infer<typeof journalContent>;

/** What is written. Every record takes the next position; `content` is the only one that stands for all before it. */
const journalRecord = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('content'), position, content: journalContent }),
  z.object({ kind: z.literal('accepted'), position, at: moment, command: commandIssued }),
  z.object({ kind: z.literal('begun'), position, at: moment, commandId: z.guid() }),
  z.object({
    kind: z.literal('step'),
    position,
    at: moment,
    commandId: z.guid(),
    name: z.string(),
    detail: z.record(z.string(), z.string()),
  }),
  z.object({ kind: z.literal('finished'), position, at: moment, commandId: z.guid(), outcome: commandOutcome }),
  z.object({ kind: z.literal('acknowledged'), position, at: moment, upTo: z.int() }),
  z.object({ kind: z.literal('freeze-begun'), position, at: moment, machineUuid: z.guid(), commandId: z.guid() }),
  z.object({ kind: z.literal('thaw-confirmed'), position, at: moment, machineUuid: z.guid() }),
]);
export type JournalRecord = z.infer<typeof journalRecord>;

type Unplaced<Record> = Record extends JournalRecord ? Omit<Record, 'position' | 'at'> : never;
/** A record before the journal gives it its position and its moment. */
export type NewRecord = Unplaced<Exclude<JournalRecord, { kind: 'content' }>>;

/** One line: the CRC-32 of the JSON in hex, a blank, the JSON. JSON has no raw line feed, so a line is a record. */
export function encodeRecord(record: JournalRecord): string {
  const json = JSON.stringify(record);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

/**
 * The record of a line without its line feed; undefined if the line is not whole. Throws if it is whole and says what nobody here knows.
 */
export function decodeRecord(line: string): JournalRecord | undefined {
  const json = line.slice(9);
  if (line.length < 11 || line.slice(0, 8) !== crc32(json).toString(16).padStart(8, '0')) return undefined;
  return journalRecord.parse(JSON.parse(json));
}
