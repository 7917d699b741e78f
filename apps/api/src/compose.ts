/** All wiring of the process, by hand, in one file. */
import { setTimeout as pause } from 'node:timers/promises';
import { ensureBootstrapAdmin, readBootstrapToken } from './access/bootstrap-admin.js';
import { createTokenChanges } from './access/change-tokens.js';
import { principalByHash, principalById } from './access/principal.store.js';
import { hashToken } from './access/token.js';
import { auditRefusal } from './audit/audit.store.js';
import type { Config } from './config.js';
import { type Core, createCore } from './core.js';
import type { Application } from './graphql/application.js';
import { buildSchema } from './graphql/build-schema.js';
import { createHttpServer, type HttpServer } from './http/server.js';
import { type Clock, systemClock } from './platform/clock.js';
import { databaseFailure } from './platform/database.js';
import { newId } from './platform/ids.js';
import type { Log } from './platform/log.js';
import { createProjectChanges } from './projects/change-project.js';
import type { CreateVmSnapshot } from './vm-snapshots/create/create-vm-snapshot.contract.js';
import { createUpdateVmSnapshot } from './vm-snapshots/update/update-vm-snapshot.js';

/** A process of the control plane. */
export type Api = {
  /** Listens, then makes sure of the first admin; answers the port. A database that is away is waited for, in the background. */
  start(): Promise<number>;
  /** Lets what runs end and closes everything. */
  stop(): Promise<void>;
};

/** Pause between tries of a database that is away, in milliseconds. */
const RETRY_MS = 1_000;

/** Builds everything; nothing listens or connects before start(). */
export async function compose(config: Config, log: Log): Promise<Api> {
  const clock = systemClock;
  const core = createCore({ databaseUrl: config.databaseUrl, replicaId: newId(), clock, log });
  const stopping = new AbortController();
  let isBootstrapped = config.bootstrapAdminTokenFile === null;
  const token = config.bootstrapAdminTokenFile === null ? null : await readBootstrapToken(config.bootstrapAdminTokenFile);
  const server = await serve(core, { clock, log, ready: () => isBootstrapped && core.ready() && !stopping.signal.aborted });
  let bootstrap: Promise<void> = Promise.resolve();
  return {
    async start() {
      const port = await server.listen({ host: config.bind, port: config.port });
      await core.start();
      bootstrap = bootstrapAdmin(core, { token, log, signal: stopping.signal, made: () => (isBootstrapped = true) });
      bootstrap.catch((error: unknown) => log.error({ err: error }, 'the first admin could not be made; the process stays not ready'));
      return port;
    },
    async stop() {
      stopping.abort();
      await server.close();
      await bootstrap.catch((error: unknown) => log.debug({ err: error }, 'the first admin was not made before the stop'));
      await core.stop();
    },
  };
}

function serve(core: Core, options: { clock: Clock; log: Log; ready: () => boolean }): Promise<HttpServer> {
  const { database, write, feed, progress, installation } = core;
  const { clock, log, ready } = options;
  const app: Application = {
    database,
    log,
    feed,
    progress,
    installation,
    principalOf: (tokenId) => principalById(database, tokenId, clock.now()),
    access: { ...createProjectChanges({ database, write }), ...createTokenChanges({ database, write, clock }) },
    machines: core.machines,
    createVmSnapshot: auditedCreate(core),
    revertToVmSnapshot: core.revertToVmSnapshot,
    deleteVmSnapshots: core.deleteVmSnapshots,
    cloneVmSnapshot: core.cloneVmSnapshot,
    templates: core.templates,
    updateVmSnapshot: createUpdateVmSnapshot({ database, write }),
    flattenVolume: core.flattenVolume,
    volumeSnapshots: core.volumeSnapshots,
    operations: core.operations,
  };
  return createHttpServer({
    app,
    schema: buildSchema(),
    agentSocket: core.agentSocket,
    ready,
    principalOfToken: (token) => principalByHash(database, hashToken(token), clock.now()),
  });
}

/** The use case audits what it does; what it refuses is audited here. */
function auditedCreate({ database, createVmSnapshot }: Core): CreateVmSnapshot {
  return {
    plan: (principal, request) => createVmSnapshot.plan(principal, request),
    async create(principal, request) {
      const tried = { principal, action: 'createVmSnapshot', projectId: null, subjectId: request.virtualMachineId };
      return auditRefusal(database, tried, await createVmSnapshot.create(principal, request));
    },
  };
}

type Bootstrap = { token: string | null; log: Log; signal: AbortSignal; made: () => void };

async function bootstrapAdmin(core: Core, { token, log, signal, made }: Bootstrap): Promise<void> {
  if (token === null) return;
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      await ensureBootstrapAdmin(core.write, token);
      made();
      return;
    } catch (error) {
      const failure = databaseFailure(error);
      if (failure === 'OTHER' && attempt > 60) throw error;
      log.warn(
        { err: error, attempt },
        'the database cannot be used yet; is it running, and are the migrations applied? Trying again in a second',
      );
      await pause(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
