import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { LabHost } from './lab-host.js';

/** What of a journal's record this check needs; the format is the agent's own (packages/agent/src/journal). */
interface JournalRecord {
  readonly kind: string;
  readonly commandId?: string;
  readonly command?: { readonly id: string; readonly body: { readonly machineUuid: string } };
}

/**
 * Asserts by an agent's own journal that no two commands of one machine ran at the same time: what began has finished before the next
 * begins. Returns how many began. A journal that was compacted tells only of what came later.
 */
export function expectCommandsInTurn(host: LabHost): number {
  const lines = readFileSync(join(host.dir, 'agent', 'journal.log'), 'utf8')
    .split('\n')
    .slice(0, -1);
  const machineOf = new Map<string, string>();
  const running = new Map<string, string>();
  let began = 0;
  for (const line of lines) {
    const record: JournalRecord = JSON.parse(line.slice(line.indexOf(' ') + 1));
    if (record.command !== undefined) machineOf.set(record.command.id, record.command.body.machineUuid);
    const machine = machineOf.get(record.commandId ?? '');
    if (machine === undefined || record.commandId === undefined) continue;
    if (record.kind === 'begun') {
      expect(running.get(machine), `command ${record.commandId} began while another ran on machine ${machine}`).toBeUndefined();
      running.set(machine, record.commandId);
      began += 1;
    }
    if (record.kind === 'finished') running.delete(machine);
  }
  expect([...running.values()]).toEqual([]);
  return began;
}
