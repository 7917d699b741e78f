import type { Server } from 'node:http';
import fastifyCookie from '@fastify/cookie';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { WebSocket } from 'ws';
import type { Application } from '../graphql/application.js';
import { MAX_REQUEST_BYTES } from '../graphql/limits.js';
import { internalError } from '../graphql/masked-errors.js';
import { databaseFailure } from '../platform/database.js';
import type { PrincipalOfToken } from './callers.js';
import { createEventStreams } from './event-stream.js';
import { addGraphqlRoute } from './graphql-route.js';
import { createGraphqlSockets } from './graphql-socket.js';
import { DRAIN_MS } from './limits.js';
import { addSessionRoute } from './session-route.js';
import { routeUpgrades } from './upgrade.js';

/** What the server serves. */
export type HttpOptions = {
  app: Application;
  schema: GraphQLSchema;
  principalOfToken: PrincipalOfToken;
  agentSocket: { handle(socket: WebSocket): void };
  /** Whether this process can serve requests now. */
  ready: () => boolean;
};

/** The listening server. */
export type HttpServer = {
  /** Listens; answers the port. */
  listen(address: { host: string; port: number }): Promise<number>;
  /** Takes nothing new, lets what runs end within DRAIN_MS, sends streams away. */
  close(): Promise<void>;
};

/** Time that a request may take to arrive, in milliseconds: they are small, and a slow sender holds a connection. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Builds the server; nothing listens before `listen`. */
export async function createHttpServer(options: HttpOptions): Promise<HttpServer> {
  const { app, schema, principalOfToken } = options;
  const server = Fastify({
    bodyLimit: MAX_REQUEST_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    logger: false,
  });
  // JSON alone: a form or text of a foreign page needs no preflight, so it must not be understood.
  server.removeContentTypeParser('text/plain');
  await server.register(fastifyCookie);
  server.setErrorHandler((error: FastifyError, _request, reply) => {
    const { status, body } = errorAnswer(error, app);
    return reply.code(status).send(body);
  });
  const running = countRunning(server);
  const eventStreams = createEventStreams({ app, schema });
  const stopGraphql = await addGraphqlRoute(server, { app, schema, principalOfToken, eventStreams });
  addSessionRoute(server, principalOfToken);
  addHealthRoutes(server, options.ready);
  const graphql = createGraphqlSockets({ app, schema, principalOfToken });
  const upgrades = routeUpgrades(rawServer(server), { graphql, agent: options.agentSocket });
  return {
    listen: (address) => listen(server, address),
    async close() {
      upgrades.close();
      eventStreams.close();
      const closed = server.close();
      await running.ended(DRAIN_MS);
      // What is left has asked nothing: browsers open connections ahead of need, and Node would wait for their first request.
      rawServer(server).closeAllConnections();
      await closed;
      await stopGraphql();
    },
  };
}

/** Counts requests that have begun and not ended; `ended` resolves when there is none, or after so many milliseconds. */
function countRunning(server: FastifyInstance): { ended(withinMs: number): Promise<void> } {
  let running = 0;
  let none = () => {};
  server.addHook('onRequest', async () => {
    running += 1;
  });
  server.addHook('onResponse', async () => {
    running -= 1;
    if (running === 0) none();
  });
  return {
    ended: (withinMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        none = () => {
          clearTimeout(timer);
          resolve();
        };
        if (running === 0) none();
      }),
  };
}

function rawServer(server: FastifyInstance): Server {
  return server.server;
}

async function listen(server: FastifyInstance, { host, port }: { host: string; port: number }): Promise<number> {
  await server.listen({ host, port });
  const address = server.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

/** Liveness asks nothing of the database: a process that waits for its database must not be killed for it. */
function addHealthRoutes(server: FastifyInstance, ready: () => boolean): void {
  server.get('/healthz', async () => ({ status: 'alive' }));
  server.get('/readyz', async (_request, reply) => {
    return ready()
      ? { status: 'ready' }
      : reply.code(503).send({ status: 'not ready', reason: 'The database does not answer, or the start is not over.' });
  });
}

/** What a client is told of a failed request: its own fault in words, ours by an id. */
function errorAnswer(error: FastifyError, app: Application): { status: number; body: object } {
  const status = error.statusCode ?? 500;
  if (status < 500) return { status, body: { errors: [{ message: error.message, extensions: { code: 'BAD_REQUEST' } }] } };
  if (databaseFailure(error) === 'LOST') {
    app.log.warn({ err: error }, 'a request could not be answered: the database is away');
    const message = 'The database does not answer now. What was asked may or may not have been done: try again soon.';
    return { status: 503, body: { errors: [{ message, extensions: { code: 'UNAVAILABLE' } }] } };
  }
  return { status: 500, body: { errors: [internalError(error, app.log).toJSON()] } };
}
