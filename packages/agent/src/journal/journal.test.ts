import { randomUUID } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandIssued, CommandOutcome } from '@coppice/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal, journalPath } from './journal.js';
import { receiveCommand } from './receive-command.js';

const incarnation = randomUUID();
const machineUuid = randomUUID();
const refused: CommandOutcome = {
  kind: 'failed',
  failure: { code: 'MACHINE_STATE', message: 'It is off.', retryable: false, hint: null, detail: null },
};

function command(number: number, changes: Partial<CommandIssued> = {}): CommandIssued {
  return {
    type: 'command.issued',
    id: randomUUID(),
    incarnation,
    number,
    sessionEpoch: 1,
    machineEpoch: 1,
    expiresAt: '2026-11-21T10:00:00.000Z',
    body: {
      verb: 'discard-layers',
      machineUuid,
      layers: [{ volumeId: machineUuid, pool: 'p', fileName: `volume-${machineUuid}.1.qcow2` }],
      snapshotFiles: [],
    },
    ...changes,
  };
}

let dir: string;
let open: Journal[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'coppice-journal-'));
});

afterEach(async () => {
  for (const journal of open) await journal.close();
  open = [];
  await rm(dir, { recursive: true });
});

async function opened(options: Parameters<typeof Journal.open>[1] = {}): Promise<Journal> {
  const journal = await Journal.open(dir, options);
  open.push(journal);
  return journal;
}

async function finish(journal: Journal, issued: CommandIssued): Promise<void> {
  await journal.append({ kind: 'accepted', command: issued });
  await journal.append({ kind: 'begun', commandId: issued.id });
  await journal.append({ kind: 'finished', commandId: issued.id, outcome: refused });
}

describe('the journal', () => {
  it('keeps id, positions and every command over a restart', async () => {
    const first = await opened();
    const [done, running] = [command(1), command(2)];
    await finish(first, done);
    await first.append({ kind: 'accepted', command: running });
    await first.append({ kind: 'step', commandId: running.id, name: 'making', detail: { file: 'x' } });

    const second = await opened();
    expect(second.state.id).toBe(first.state.id);
    expect(second.state.position).toBe(6);
    expect(second.state.highestCommand).toEqual({ incarnation, number: 2 });
    expect(second.state.unfinished().map((entry) => entry.command.id)).toEqual([running.id]);
    expect(second.state.unfinished()[0]?.steps[0]?.detail).toEqual({ file: 'x' });
    expect(second.state.unacknowledged().map((entry) => entry.commandId)).toEqual([done.id]);
  });

  it('cuts off a last record that a crash tore, at whatever byte, and goes on', async () => {
    const journal = await opened();
    await finish(journal, command(1));
    const whole = (await stat(journalPath(dir))).size;
    const torn = command(2);
    await journal.append({ kind: 'accepted', command: torn });
    const full = (await stat(journalPath(dir))).size;
    for (const size of [full - 1, full - 40, whole + 1]) {
      await truncate(journalPath(dir), size);
      const again = await opened();
      expect(again.state.position).toBe(4);
      expect((await stat(journalPath(dir))).size).toBe(whole);
      await appendFile(journalPath(dir), Buffer.alloc(full - whole));
    }
    const last = await opened();
    await last.append({ kind: 'accepted', command: torn });
    expect((await opened()).state.unfinished()).toHaveLength(1);
  });

  it('refuses a journal that is damaged in the middle, and says what to do', async () => {
    const journal = await opened();
    await finish(journal, command(1));
    const bytes = await readFile(journalPath(dir));
    const second = bytes.indexOf('\n') + 20;
    bytes[second] = bytes[second] === 0x61 ? 0x62 : 0x61;
    await writeFile(journalPath(dir), bytes);
    await expect(Journal.open(dir)).rejects.toThrow(/Line 2 of the journal is damaged.*No command was executed/);
  });

  it('refuses a journal out of which a record was taken', async () => {
    const journal = await opened();
    await finish(journal, command(1));
    const lines = (await readFile(journalPath(dir), 'utf8')).split('\n');
    await writeFile(journalPath(dir), [...lines.slice(0, 2), ...lines.slice(3)].join('\n'));
    await expect(Journal.open(dir)).rejects.toThrow(/position 4 after 2/);
  });

  it('rewrites itself when it has grown, and loses nothing that is not acknowledged', async () => {
    const journal = await opened({ compactFromBytes: 20_000 });
    const running = command(1);
    await journal.append({ kind: 'accepted', command: running });
    await journal.append({ kind: 'freeze-begun', machineUuid, commandId: running.id });
    for (let number = 2; number < 100; number += 1) {
      await finish(journal, command(number));
      if (number === 50) await journal.append({ kind: 'acknowledged', upTo: journal.state.position });
    }
    expect((await readFile(journalPath(dir), 'utf8')).split('\n').length).toBeLessThan(200);
    const again = await opened();
    expect(again.state.position).toBe(journal.state.position);
    expect(again.state.unacknowledged()).toHaveLength(49);
    expect(again.state.freezes()).toHaveLength(1);
    expect(again.state.unfinishedCommand(running.id)?.command).toEqual(running);
  });
});

describe('a command that arrives', () => {
  it('again is answered from the journal, before and after its acknowledgement', async () => {
    const journal = await opened();
    const issued = command(1);
    await finish(journal, issued);
    expect(receiveCommand(journal.state, 1, issued)).toMatchObject({ kind: 'answer-again', finished: { outcome: refused } });
    await journal.append({ kind: 'acknowledged', upTo: journal.state.position });
    expect(journal.state.unacknowledged()).toEqual([]);
    expect(receiveCommand((await opened()).state, 1, issued)).toMatchObject({ kind: 'answer-again' });
  });

  it('while it runs is not run twice', async () => {
    const journal = await opened();
    const issued = command(1);
    await journal.append({ kind: 'accepted', command: issued });
    expect(receiveCommand(journal.state, 1, issued)).toEqual({ kind: 'accept-again' });
  });

  it('with a number that is not new and an id that is unknown is forgotten, also after its tombstone went', async () => {
    const journal = await opened();
    const issued = command(7);
    await finish(journal, issued);
    await journal.append({ kind: 'acknowledged', upTo: journal.state.position });
    expect(receiveCommand(journal.state, 1, command(7))).toEqual({ kind: 'forgotten' });
    expect(receiveCommand(journal.state, 1, command(3))).toEqual({ kind: 'forgotten' });
    journal.state.content(new Date(Date.now() + 31 * 24 * 3600 * 1000));
    expect(receiveCommand(journal.state, 1, issued)).toEqual({ kind: 'forgotten' });
    expect(receiveCommand(journal.state, 1, command(8))).toEqual({ kind: 'accept' });
  });

  it('keeps tombstones within their count and bytes', async () => {
    const journal = await opened();
    for (let number = 1; number <= 5; number += 1) await finish(journal, command(number));
    await journal.append({ kind: 'acknowledged', upTo: journal.state.position });
    expect(journal.state.content(new Date(), { days: 30, count: 3, bytes: 1e6 }).finished).toHaveLength(3);
    expect(journal.state.content(new Date(), { days: 30, count: 3, bytes: 150 }).finished).toHaveLength(1);
  });

  it('of a new incarnation of the database begins counting anew', async () => {
    const journal = await opened();
    await finish(journal, command(50));
    expect(receiveCommand(journal.state, 1, command(1, { incarnation: randomUUID() }))).toEqual({ kind: 'accept' });
  });

  it('of another session is dropped, and of an older operation on the machine refused', async () => {
    const journal = await opened();
    await finish(journal, command(1, { machineEpoch: 5 }));
    expect(receiveCommand(journal.state, 2, command(2))).toMatchObject({ kind: 'drop' });
    expect(receiveCommand(journal.state, 1, command(2, { machineEpoch: 4 }))).toEqual({ kind: 'stale-epoch', highest: 5 });
    expect(receiveCommand(journal.state, 1, command(2, { machineEpoch: 5 }))).toEqual({ kind: 'accept' });
  });
});
