import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createProxyServer } from 'http-proxy-3';
import { isSameOrigin } from './same-origin.js';

/** How long a new request may wait for the API's first byte, in ms. A stream that has begun has no such end: its own keep-alives guard it. */
const FIRST_BYTE_MS = 60_000;
const PROXIED = new Set(['/graphql', '/session']);

/** Hands the API's own paths through, so that the browser sees one origin. It reads and changes nothing that passes. */
export type ApiProxy = {
  handle: (request: IncomingMessage, response: ServerResponse) => void;
  upgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void;
};

/** Whether this path belongs to the API. */
export function isApiPath(url: string | undefined): boolean {
  return PROXIED.has(new URL(url ?? '/', 'http://x').pathname);
}

/** A proxy to the API at `apiUrl`. While the API is away it answers 502 with a sentence, and closes sockets, so that browsers try again. */
export function createApiProxy(apiUrl: URL): ApiProxy {
  const proxy = createProxyServer({ target: apiUrl.origin, xfwd: true });
  const deadlines = new WeakMap<ServerResponse, NodeJS.Timeout>();
  proxy.on('error', (_error, _request, answer) => answerAway(answer));
  proxy.on('proxyRes', (_fromApi, _request, response) => clearTimeout(deadlines.get(response)));
  return {
    handle(request, response) {
      if (!isSameOrigin(request.headers)) return refuse(response);
      const timer = setTimeout(() => response.destroy(), FIRST_BYTE_MS);
      deadlines.set(response, timer);
      response.once('close', () => clearTimeout(timer));
      proxy.web(request, response);
    },
    upgrade(request, socket, head) {
      socket.on('error', () => socket.destroy());
      if (isSameOrigin(request.headers)) proxy.ws(request, socket, head);
      else socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
    },
  };
}

function refuse(response: ServerResponse): void {
  const message = 'This request came from a page of another origin and was refused. Open the dashboard itself and try again.';
  answerJson(response, 403, { code: 'FORBIDDEN', message });
}

function answerAway(answer: ServerResponse | Socket): void {
  if (!('setHeader' in answer) || answer.headersSent) {
    answer.destroy();
    return;
  }
  const message = 'The API does not answer. Nothing was changed that you were not told of; try again in a moment.';
  answerJson(answer, 502, { code: 'API_UNREACHABLE', message });
}

function answerJson(response: ServerResponse, status: number, { code, message }: { code: string; message: string }): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ errors: [{ message, extensions: { code } }] }));
}
