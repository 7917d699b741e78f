/** What every replica does now and then, so that nothing waits for one that died. Each run is bounded and harmless to repeat. */
import type { Write } from '../events/write.js';
import { hostsOfDeadReplicas, markDisconnected, touchHosts } from '../hosts/liveness.store.js';
import { settleMachines } from '../machines/settle/settle-machines.js';
import { expiredCommandIds } from '../operations/command.store.js';
import { forgetOldKeys } from '../operations/idempotency.store.js';
import type { OperationEngine } from '../operations/operation-engine.js';
import type { Clock } from '../platform/clock.js';
import { coalesced } from '../platform/coalesced.js';
import type { Database } from '../platform/database.js';
import type { Log } from '../platform/log.js';
import { EXPIRY_SWEEP_MS, KEY_SWEEP_MS, LAST_SEEN_MS, LIVENESS_SWEEP_MS, SETTLE_SWEEP_MS } from './limits.js';
import type { SessionRegistry } from './session-registry.js';

type SweepOptions = {
  database: Database;
  write: Write;
  engine: OperationEngine;
  sessions: SessionRegistry;
  clock: Clock;
  replicaId: string;
  log: Log;
};

/** Starts them; answers how to stop, which waits for those that run. */
export function startSweeps(options: SweepOptions): () => Promise<void> {
  const stops = [
    every(options, { ms: EXPIRY_SWEEP_MS, what: 'commands that expired', run: () => sweepExpired(options) }),
    every(options, { ms: LIVENESS_SWEEP_MS, what: 'hosts of replicas that died', run: () => sweepDeadReplicas(options) }),
    every(options, { ms: LAST_SEEN_MS, what: 'when hosts were last seen', run: () => touch(options) }),
    every(options, { ms: SETTLE_SWEEP_MS, what: 'machines that nothing works on', run: () => settle(options) }),
    every(options, { ms: KEY_SWEEP_MS, what: 'idempotency keys', run: () => forgetKeys(options) }),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

/** Commands that nobody sent in time fail: it is certain that no host has them. */
async function sweepExpired({ database, write, engine, clock }: SweepOptions): Promise<void> {
  for (const commandId of await expiredCommandIds(database, clock.now())) {
    await write((transaction) => engine.expire(transaction, commandId, clock.now()));
  }
}

async function sweepDeadReplicas({ database, write, clock, replicaId }: SweepOptions): Promise<void> {
  for (const { hostId, epoch } of await hostsOfDeadReplicas(database, replicaId)) {
    const reason = 'The API replica that held its session is gone.';
    await write((transaction) => markDisconnected(transaction, { hostId, epoch, reason, at: clock.now() }));
  }
}

async function touch({ database, sessions, clock }: SweepOptions): Promise<void> {
  const hostIds = sessions.all().map((session) => session.hostId);
  if (hostIds.length > 0) await touchHosts(database, hostIds, clock.now());
}

async function settle(options: SweepOptions): Promise<void> {
  await settleMachines(options);
}

async function forgetKeys({ database, clock }: SweepOptions): Promise<void> {
  await forgetOldKeys(database, clock.now());
}

function every(options: SweepOptions, sweep: { ms: number; what: string; run: () => Promise<void> }): () => Promise<void> {
  const work = coalesced(sweep.run, (error) => options.log.warn({ err: error }, `cannot look at ${sweep.what} now; trying again later`));
  const timer = setInterval(() => work.nudge(), sweep.ms);
  return () => {
    clearInterval(timer);
    return work.idle();
  };
}
