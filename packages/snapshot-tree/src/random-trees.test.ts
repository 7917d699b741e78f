import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelWorld } from './testing/model-world.js';
import { randomOperations, runOperation } from './testing/random-operations.js';

/** So many operations that did something; by hand, SNAPSHOT_TREE_OPERATIONS asks for more. */
const WANTED = Number(process.env['SNAPSHOT_TREE_OPERATIONS'] ?? 100_000);
const CLUSTERS = 8;

describe('random trees', () => {
  it('read the same after every step of every operation, whatever goes wrong in it', { timeout: 60_000 + 2 * WANTED }, () => {
    const events = new Map<string, number>();
    const sequence = randomOperations({ minLength: 1, maxLength: 150 });
    for (const done = { operations: 0 }; done.operations < WANTED; ) {
      const everySequence = fc.property(sequence, (wanted) => {
        const world = new ModelWorld(CLUSTERS);
        for (const operation of wanted) if (runOperation(world, operation)) done.operations += 1;
        for (const [what, count] of world.done) events.set(what, (events.get(what) ?? 0) + count);
      });
      fc.assert(everySequence, { numRuns: 100 });
    }
    // A run in which one of these never came up would be a run of something else.
    for (const what of EXPECTED_EVENTS) expect(events.get(what) ?? 0, what).toBeGreaterThan(WANTED / 20_000);
  });
});

const EXPECTED_EVENTS = [
  'create DISK',
  'create DISK_AND_MEMORY',
  'create refused CHAIN_TOO_LONG',
  'revert DISK',
  'revert DISK_AND_MEMORY',
  'revert DISK after a safety snapshot',
  'delete',
  'consolidate',
  'clone',
  'flatten',
  'cancelled',
  'trouble in a discard',
  'merge OFFLINE',
  'merge LIVE',
  'merge LIVE thickened',
  'merge LIVE leaving the head',
  ...['AGENT', 'HOST', 'CANCEL'].flatMap((kind) => ['COMMIT', 'REPOINT', 'PULL', 'PULLED'].map((phase) => `trouble ${kind} in ${phase}`)),
];
