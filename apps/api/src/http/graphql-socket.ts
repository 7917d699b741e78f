/** GraphQL over WebSocket: graphql-transport-ws, with our own care for who may, who is slow, and when to end. */
import type { IncomingMessage } from 'node:http';
import { type ExecutionArgs, GraphQLError, type GraphQLSchema } from 'graphql';
import { makeServer } from 'graphql-ws';
import type { RawData, WebSocket } from 'ws';
import { expirySignal } from '../access/expiry.js';
import type { Principal } from '../access/principal.js';
import type { Application } from '../graphql/application.js';
import { executeMasked, subscribeMasked } from '../graphql/execute.js';
import { internalError } from '../graphql/masked-errors.js';
import { unauthenticated } from '../graphql/request-errors.js';
import { databaseFailure } from '../platform/database.js';
import { type PrincipalOfToken, tokenOfSocket } from './callers.js';
import { END_BEFORE_EXPIRY_MS, GraphqlCloseCode, KEEP_ALIVE_MS, MAX_OPERATIONS_PER_SOCKET } from './limits.js';
import { graphqlRequest, prepare } from './parse-request.js';
import { closeFirmly, sendWithinBounds } from './socket-flow.js';

/** What belongs to one connection. */
type Connection = { socket: WebSocket; request: IncomingMessage; principal: Principal | null };

/** Takes sockets that were upgraded on /graphql. */
export type GraphqlSockets = { handle(socket: WebSocket, request: IncomingMessage): void };

type Wired = { app: Application; schema: GraphQLSchema; principalOfToken: PrincipalOfToken };

/** Makes the handler. */
export function createGraphqlSockets(wired: Wired): GraphqlSockets {
  const { app } = wired;
  const server = makeServer<Record<string, unknown>, Connection>({
    async onConnect({ extra, connectionParams }) {
      const token = tokenOfSocket(extra.request.headers, connectionParams);
      extra.principal = token === null ? null : await wired.principalOfToken(token);
      if (extra.principal === null) return false;
      endWithToken(extra.socket, extra.principal);
      return true;
    },
    onSubscribe: ({ extra, subscriptions }, _id, payload) =>
      prepareOperation(wired, extra, { open: Object.keys(subscriptions).length, payload }),
    execute: (args) => executeMasked(args, app.log),
    subscribe: (args) => subscribeMasked(app, args),
  });
  return {
    handle(socket, request) {
      const connection: Connection = { socket, request, principal: null };
      socket.on('error', (error) => app.log.debug({ err: error }, 'a GraphQL socket failed'));
      const closed = server.opened(
        {
          protocol: socket.protocol,
          send: (data) => sendWithinBounds(socket, data),
          close: (code, reason) => socket.close(code, reason),
          onMessage: (handle) => socket.on('message', (data) => handleMessage(wired, connection, () => handle(textOf(data)))),
        },
        connection,
      );
      const stopAsking = keepAlive(socket);
      socket.once('close', (code, reason) => {
        stopAsking();
        closed(code, String(reason)).catch((error: unknown) => app.log.error({ err: error }, 'ending the operations of a socket'));
      });
    },
  };
}

function handleMessage(wired: Wired, { socket }: Connection, handle: () => Promise<void>): void {
  handle().catch((error: unknown) => {
    if (closeWhileDatabaseIsAway(socket, error)) return;
    wired.app.log.error({ err: error }, 'a message of a GraphQL socket could not be handled');
    closeFirmly(socket, { code: GraphqlCloseCode.INTERNAL, reason: 'A fault of Coppice; connect again.' });
  });
}

/** Looks the caller up again for every operation: a socket lives longer than a role. */
async function prepareOperation(
  wired: Wired,
  connection: Connection,
  { open, payload }: { open: number; payload: unknown },
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  try {
    if (open > MAX_OPERATIONS_PER_SOCKET) {
      const message = `At most ${MAX_OPERATIONS_PER_SOCKET} operations can be open on one socket. End one, or open another socket.`;
      return [new GraphQLError(message, { extensions: { code: 'RATE_LIMITED' } })];
    }
    const principal = connection.principal === null ? null : await wired.app.principalOf(connection.principal.tokenId);
    if (principal === null) {
      const reason = 'The access token is not valid any more.';
      closeFirmly(connection.socket, { code: GraphqlCloseCode.UNAUTHENTICATED, reason });
      return [unauthenticated()];
    }
    const parsed = graphqlRequest.safeParse(payload);
    if (!parsed.success) return [new GraphQLError('The message has no `query`, or its variables are no object.')];
    const prepared = await prepare(wired, principal, parsed.data);
    return 'errors' in prepared ? prepared.errors : prepared.args;
  } catch (error) {
    closeWhileDatabaseIsAway(connection.socket, error);
    return [internalError(error, wired.app.log)];
  }
}

/** A client whose request meets a database that is away comes back by itself, instead of being told that its request failed. */
function closeWhileDatabaseIsAway(socket: WebSocket, error: unknown): boolean {
  if (databaseFailure(error) !== 'LOST') return false;
  closeFirmly(socket, { code: GraphqlCloseCode.TRY_AGAIN_LATER, reason: 'The database does not answer now; connect again.' });
  return true;
}

function endWithToken(socket: WebSocket, { expiresAt }: Principal): void {
  const expiry = expirySignal(expiresAt && new Date(expiresAt.getTime() - END_BEFORE_EXPIRY_MS));
  const end = () => closeFirmly(socket, { code: GraphqlCloseCode.UNAUTHENTICATED, reason: 'The access token has expired.' });
  if (expiry.signal.aborted) end();
  expiry.signal.addEventListener('abort', end, { once: true });
  socket.once('close', () => expiry[Symbol.dispose]());
}

/** The text of a message, however ws has cut it. */
function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString();
}

/** Asks whether the client is there; a connection that does not answer is cut, so that its operations end. */
function keepAlive(socket: WebSocket): () => void {
  let isAnswered = true;
  socket.on('pong', () => {
    isAnswered = true;
  });
  const timer = setInterval(() => {
    if (!isAnswered) return socket.terminate();
    isAnswered = false;
    socket.ping();
  }, KEEP_ALIVE_MS);
  return () => clearInterval(timer);
}
