import type { CommandIssued, CommandOutcome } from '@coppice/protocol';
import { assertNever } from '../assert-never.js';
import type { commandEntry, finishedEntry, freezeEntry, JournalContent, JournalRecord } from './record.js';
import type { z } from 'zod';

export type CommandEntry = z.infer<typeof commandEntry>;
export type FinishedEntry = z.infer<typeof finishedEntry>;
export type FreezeEntry = z.infer<typeof freezeEntry>;

/** How long and how many acknowledged results are kept to answer repeats. Beyond either, a repeat is answered "forgotten". */
export interface TombstoneBounds {
  readonly days: number;
  readonly count: number;
  /** Of all outcomes as JSON: a result with two definitions is about 20 KiB, so this is some 800 of the largest. */
  readonly bytes: number;
}

const TOMBSTONE_BOUNDS: TombstoneBounds = { days: 30, count: 10_000, bytes: 16 * 1024 * 1024 };

/** An empty journal of this id; its first record is this content at position 1. */
export function emptyContent(id: string): JournalContent {
  return { id, position: 1, highestCommand: null, highestNumbers: {}, machineEpochs: {}, unfinished: [], finished: [], freezes: [] };
}

/**
 * What the journal's records add up to. A command is:
 *
 *   (unknown) ──accepted──▶ unfinished ──begun, step…──▶ unfinished ──finished──▶ finished ──acknowledged──▶ tombstone ──bounds──▶
 * (unknown)
 *
 * and its number stays at or below the highest for ever, so that an unknown one is "forgotten" and never executed.
 */
export class JournalState {
  readonly id: string;
  private lastPosition: number;
  private highest: JournalContent['highestCommand'];
  private readonly highestNumbers: Map<string, number>;
  private readonly machineEpochs: Map<string, number>;
  private readonly unfinishedById: Map<string, CommandEntry>;
  private readonly finishedById: Map<string, FinishedEntry>;
  private readonly freezesByMachine: Map<string, FreezeEntry>;

  constructor(content: JournalContent) {
    this.id = content.id;
    this.lastPosition = content.position;
    this.highest = content.highestCommand;
    this.highestNumbers = new Map(Object.entries(content.highestNumbers));
    this.machineEpochs = new Map(Object.entries(content.machineEpochs));
    this.unfinishedById = new Map(content.unfinished.map((entry) => [entry.command.id, { ...entry, steps: [...entry.steps] }]));
    this.finishedById = new Map(content.finished.map((entry) => [entry.commandId, entry]));
    this.freezesByMachine = new Map(content.freezes.map((entry) => [entry.machineUuid, entry]));
  }

  get position(): number {
    return this.lastPosition;
  }

  get highestCommand(): JournalContent['highestCommand'] {
    return this.highest;
  }

  /** In the order of their acceptance. */
  unfinished(): CommandEntry[] {
    return [...this.unfinishedById.values()];
  }

  unfinishedCommand(id: string): CommandEntry | undefined {
    return this.unfinishedById.get(id);
  }

  finishedCommand(id: string): FinishedEntry | undefined {
    return this.finishedById.get(id);
  }

  /** Results that the API has not acknowledged, by position. */
  unacknowledged(): FinishedEntry[] {
    return [...this.finishedById.values()].filter((entry) => !entry.isAcknowledged).toSorted((a, b) => a.position - b.position);
  }

  freezes(): FreezeEntry[] {
    return [...this.freezesByMachine.values()];
  }

  /** 0 before the first command on that machine. */
  machineEpoch(machineUuid: string): number {
    return this.machineEpochs.get(machineUuid) ?? 0;
  }

  knowsMachine(machineUuid: string): boolean {
    return this.machineEpochs.has(machineUuid);
  }

  /** The highest number ever accepted under this incarnation; -1 before the first. */
  highestNumber(incarnation: string): number {
    return this.highestNumbers.get(incarnation) ?? -1;
  }

  apply(record: JournalRecord): void {
    this.lastPosition = record.position;
    switch (record.kind) {
      case 'content':
        return;
      case 'accepted':
        return this.accept(record.command, record.at);
      case 'begun':
        return this.begin(record.commandId);
      case 'step':
        this.unfinishedById.get(record.commandId)?.steps.push({ name: record.name, detail: record.detail, at: record.at });
        return;
      case 'finished':
        return this.finish(record);
      case 'acknowledged':
        return this.acknowledge(record.upTo);
      case 'freeze-begun':
        this.freezesByMachine.set(record.machineUuid, { machineUuid: record.machineUuid, commandId: record.commandId, at: record.at });
        return;
      case 'thaw-confirmed':
        this.freezesByMachine.delete(record.machineUuid);
        return;
      default:
        assertNever(record);
    }
  }

  /** Everything, without the tombstones that are beyond their bounds. */
  content(now: Date, bounds: TombstoneBounds = TOMBSTONE_BOUNDS): JournalContent {
    this.dropTombstones(now, bounds);
    return {
      id: this.id,
      position: this.lastPosition,
      highestCommand: this.highest,
      highestNumbers: Object.fromEntries(this.highestNumbers),
      machineEpochs: Object.fromEntries(this.machineEpochs),
      unfinished: [...this.unfinishedById.values()],
      finished: [...this.finishedById.values()],
      freezes: [...this.freezesByMachine.values()],
    };
  }

  private accept(command: CommandIssued, at: string): void {
    this.unfinishedById.set(command.id, { command, acceptedAt: at, hasBegun: false, steps: [] });
    const { incarnation, number } = command;
    if (number > this.highestNumber(incarnation)) this.highestNumbers.set(incarnation, number);
    this.highest = { incarnation, number: this.highestNumber(incarnation) };
    const { machineUuid } = command.body;
    this.machineEpochs.set(machineUuid, Math.max(this.machineEpoch(machineUuid), command.machineEpoch));
  }

  private begin(commandId: string): void {
    const entry = this.unfinishedById.get(commandId);
    if (entry !== undefined) this.unfinishedById.set(commandId, { ...entry, hasBegun: true });
  }

  private finish(record: { commandId: string; position: number; outcome: CommandOutcome; at: string }): void {
    const { commandId, position, outcome, at } = record;
    this.unfinishedById.delete(commandId);
    this.finishedById.delete(commandId);
    this.finishedById.set(commandId, { commandId, position, outcome, at, isAcknowledged: false });
  }

  private acknowledge(upTo: number): void {
    for (const [id, entry] of this.finishedById) {
      if (!entry.isAcknowledged && entry.position <= upTo) this.finishedById.set(id, { ...entry, isAcknowledged: true });
    }
  }

  private dropTombstones(now: Date, bounds: TombstoneBounds): void {
    const oldest = now.getTime() - bounds.days * 24 * 3600 * 1000;
    let count = 0;
    let bytes = 0;
    for (const entry of [...this.finishedById.values()].toSorted((a, b) => b.position - a.position)) {
      if (!entry.isAcknowledged) continue;
      count += 1;
      bytes += JSON.stringify(entry.outcome).length;
      if (count > bounds.count || bytes > bounds.bytes || Date.parse(entry.at) < oldest) this.finishedById.delete(entry.commandId);
    }
  }
}
