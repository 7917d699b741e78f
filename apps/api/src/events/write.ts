import { setTimeout as pause } from 'node:timers/promises';
import { type Database, databaseFailure, type Transaction } from '../platform/database.js';
import type { Relay } from './relay.js';

/** Runs one transaction and wakes the relay after its commit. Every transaction that may insert a transition goes through it. */
export type Write = <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T>;

/** Tries of a transaction that met a deadlock or a serialisation failure: the order of locks makes even the second one rare. */
const CONFLICT_TRIES = 4;

/**
 * Makes the writer. The work may run more than once (its transaction was rolled back each time), so it must do nothing outside.
 * Order of locks, everywhere: claims, project, host, machine, volume, layer, snapshot, operation, step, command, transition.
 */
export function createWrite(database: Database, relay: Relay): Write {
  return async (work) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const result = await database.$transaction(work);
        relay.nudge();
        return result;
      } catch (error) {
        if (databaseFailure(error) !== 'CONFLICT' || attempt === CONFLICT_TRIES) throw error;
        await pause(10 * attempt);
      }
    }
  };
}
