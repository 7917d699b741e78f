import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloseCode, MAX_MESSAGE_BYTES } from '@coppice/protocol';
import { handleProtocols } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { MAX_REQUEST_BYTES } from '../graphql/limits.js';
import type { GraphqlSockets } from './graphql-socket.js';
import { CLOSE_AT_STOP_MS, GraphqlCloseCode, MAX_STREAMS } from './limits.js';
import { closeFirmly } from './socket-flow.js';

/** The WebSockets of this process: /graphql for clients, /agent for hosts, both on the port of everything else. */
export type Upgrades = {
  /** Takes no more, and sends clients and hosts away; they connect again elsewhere, or when we are back. */
  close(): void;
};

/** Routes upgrades by path. No message is deflated: a compressor per connection costs more than it saves here. */
export function routeUpgrades(server: Server, routes: { graphql: GraphqlSockets; agent: { handle(socket: WebSocket): void } }): Upgrades {
  const graphql = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_REQUEST_BYTES,
    perMessageDeflate: false,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  const agent = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  let isClosing = false;
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (isClosing || graphql.clients.size >= MAX_STREAMS) return refuse(socket, '503 Service Unavailable');
    if (pathname === '/graphql') graphql.handleUpgrade(request, socket, head, (client) => routes.graphql.handle(client, request));
    else if (pathname === '/agent') agent.handleUpgrade(request, socket, head, (client) => routes.agent.handle(client));
    else refuse(socket, '404 Not Found');
  });
  return {
    close() {
      isClosing = true;
      const closing = { reason: 'This server stops; connect again.', withinMs: CLOSE_AT_STOP_MS };
      for (const client of graphql.clients) closeFirmly(client, { ...closing, code: GraphqlCloseCode.GOING_AWAY });
      for (const host of agent.clients) closeFirmly(host, { ...closing, code: CloseCode.UNAVAILABLE });
    },
  };
}

function refuse(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
