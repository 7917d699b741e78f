import { type Coalesced, coalesced } from '../platform/coalesced.js';
import type { Database } from '../platform/database.js';
import type { Log } from '../platform/log.js';
import { RELAY_BATCH } from './limits.js';
import { relayOnce } from './transition.store.js';

/** Numbers committed transitions. Every replica has one, none leads, and each call is one short autocommitted statement. */
export type Relay = Coalesced;

/**
 * `nudge` after every commit that inserted a transition, and once a second. A process that is stopped holds no lock between calls; one
 * that is killed in a call loses the call, and any other replica's next one numbers the rest.
 */
export function createRelay(options: { database: Database; log: Log; numbered: () => void }): Relay {
  let head: bigint | null = null;
  return coalesced(
    async () => {
      for (let isBehind = true; isBehind; ) {
        const now = await relayOnce(options.database);
        isBehind = head !== null && now - head >= BigInt(RELAY_BATCH);
        if (now !== head) options.numbered();
        head = now;
      }
    },
    (error) => options.log.warn({ err: error }, 'the relay cannot number transitions now; it tries again within a second'),
  );
}
