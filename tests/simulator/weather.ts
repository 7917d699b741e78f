import type { Seeded } from './seeded.js';

/** How often things go wrong: once in so many chances; 0 is never. */
export type Faults = {
  /** An agent dies: chances are steps of commands, writes to its journal. */
  deathEvery: number;
  /** A connection breaks: messages. */
  cutEvery: number;
  /** A report is told twice, or a command. */
  doubleEvery: number;
  /** A host's disk fails: steps of commands. */
  failureEvery: number;
  /** The hypervisor goes away in the middle of a call: steps of commands. */
  hypervisorEvery: number;
  /** A replica dies: seconds. */
  replicaEvery: number;
  /** A transaction is rolled back by a conflict; its connection is lost before the commit, or after it. */
  conflictEvery: number;
  lostEvery: number;
  unheardEvery: number;
};

export const NO_FAULTS: Faults = {
  deathEvery: 0,
  cutEvery: 0,
  doubleEvery: 0,
  failureEvery: 0,
  hypervisorEvery: 0,
  replicaEvery: 0,
  conflictEvery: 0,
  lostEvery: 0,
  unheardEvery: 0,
};

/** Decides what goes wrong, and counts it. While it is calm nothing does: what is under way can end. */
export class Weather {
  readonly counts: Record<keyof Faults, number> = { ...NO_FAULTS };
  isCalm = true;

  constructor(
    private readonly chance: Seeded,
    private readonly faults: Faults,
  ) {}

  strikes(fault: keyof Faults): boolean {
    const every = this.faults[fault];
    if (this.isCalm || every === 0 || !this.chance.once(every)) return false;
    this.counts[fault] += 1;
    return true;
  }
}
