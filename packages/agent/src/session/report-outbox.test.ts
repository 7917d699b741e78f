import { randomUUID } from 'node:crypto';
import { type AgentMessage, MAX_UNACKNOWLEDGED_REPORTS } from '@coppice/protocol';
import { beforeEach, expect, it } from 'vitest';
import type { FinishedEntry } from '../journal/state.js';
import { ReportOutbox } from './report-outbox.js';

let entries: FinishedEntry[];
let outbox: ReportOutbox;

beforeEach(() => {
  entries = [];
  outbox = new ReportOutbox({ unacknowledged: () => entries.filter(({ isAcknowledged }) => !isAcknowledged) });
});

function finished(position: number): FinishedEntry {
  const entry: FinishedEntry = {
    commandId: randomUUID(),
    position,
    outcome: { kind: 'forgotten' },
    at: '2026-11-21T10:00:00.000Z',
    isAcknowledged: false,
  };
  entries.push(entry);
  return entry;
}

function session(): { sent: number[]; send: (message: AgentMessage) => Promise<boolean> } {
  const sent: number[] = [];
  return {
    sent,
    send: (message) => {
      if (message.type === 'command.finished') sent.push(message.position);
      return Promise.resolve(true);
    },
  };
}

it('tells a new session everything that is not acknowledged, in the order of the journal, before anything that ends later', () => {
  finished(4);
  finished(9);
  outbox.flush();
  finished(12);
  const first = session();
  outbox.begin(first);
  finished(15);
  outbox.flush();
  expect(first.sent).toEqual([4, 9, 12, 15]);

  entries = entries.map((entry) => ({ ...entry, isAcknowledged: entry.position <= 9 }));
  const second = session();
  outbox.begin(second);
  expect(second.sent).toEqual([12, 15]);
});

it('has a bounded number under way, and goes on with each acknowledgement', () => {
  const positions = Array.from({ length: MAX_UNACKNOWLEDGED_REPORTS + 3 }, (_, index) => finished(index + 2).position);
  const way = session();
  outbox.begin(way);
  expect(way.sent).toEqual(positions.slice(0, MAX_UNACKNOWLEDGED_REPORTS));
  entries = entries.map((entry) => ({ ...entry, isAcknowledged: entry.position <= 3 }));
  outbox.flush();
  expect(way.sent).toEqual(positions.slice(0, MAX_UNACKNOWLEDGED_REPORTS + 2));
});

it('answers a repeat at once, but never ahead of an older report that this session has not heard', () => {
  const entry = finished(4);
  const way = session();
  outbox.begin(way);
  outbox.repeat(entry);
  expect(way.sent).toEqual([4, 4]);
  const late = [finished(7), finished(9)];
  for (const { position } of late.toReversed()) outbox.repeat(entries.find((other) => other.position === position) ?? entry);
  expect(way.sent).toEqual([4, 4, 7, 9, 7]);
});
