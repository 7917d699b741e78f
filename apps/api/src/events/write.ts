import { setTimeout as pause } from 'node:timers/promises';
import { type Database, databaseFailure, type Transaction } from '../platform/database.js';
import type { Relay } from './relay.js';

/** Runs one transaction and wakes the relay after its commit. Every transaction that may insert a transition goes through it. */
export type Write = <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T>;

/** Tries of a transaction that met a deadlock, a serialisation failure, or an end of its connection before it was committed; even the second is rare. */
const CONFLICT_TRIES = 4;

/**
 * Makes the writer. The work may run more than once (its transaction was rolled back each time), so it must do nothing outside.
 * Order of locks, everywhere: claims, project, host, machine, volume, layer, snapshot, operation, step, command, transition.
 */
export function createWrite(database: Database, relay: Relay): Write {
  return async (work) => {
    for (let attempt = 1; ; attempt += 1) {
      const progress = { hasBegun: false, isDone: false };
      try {
        const result = await database.$transaction(async (transaction) => {
          progress.hasBegun = true;
          const done = await work(transaction);
          progress.isDone = true;
          return done;
        });
        relay.nudge();
        return result;
      } catch (error) {
        if (attempt === CONFLICT_TRIES || !isUndone(databaseFailure(error), progress)) throw error;
        await pause(10 * attempt);
      }
    }
  };
}

/** Nothing of it was done, and it may be done again: also where the connection was lost in its middle, before anybody could commit it. */
function isUndone(failure: ReturnType<typeof databaseFailure>, { hasBegun, isDone }: { hasBegun: boolean; isDone: boolean }): boolean {
  return failure === 'CONFLICT' || (failure === 'LOST' && hasBegun && !isDone);
}
