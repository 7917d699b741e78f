/** The web process: serves the dashboard's pages and hands the API's paths through. It keeps no state and asks the API nothing itself. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { NextServer, NextServerOptions } from 'next/dist/server/next.js';
import { createApiProxy, isApiPath } from './server/api-proxy.js';
import { contentSecurityPolicy, setSecurityHeaders } from './server/security-headers.js';
import { readSettings } from './server/settings.js';

/** How long open requests get to finish after a signal, in ms; below what supervisors usually wait. */
const STOP_MS = 3_000;

process.env.NEXT_TELEMETRY_DISABLED = '1';
Object.assign(process.env, { NODE_ENV: 'production' });

// Loaded only now: Next and React choose their builds by NODE_ENV when they are loaded.
const next: (options: NextServerOptions) => NextServer = createRequire(import.meta.url)('next');

const settings = readSettings(process.env);
const app = next({ dev: false, dir: join(import.meta.dirname, '..'), hostname: settings.bind, port: settings.port });
await app.prepare();
const servePage = app.getRequestHandler();
const proxy = createApiProxy(settings.apiUrl);

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  setSecurityHeaders(response);
  if (request.url === '/healthz') return void response.end('ok\n');
  if (isApiPath(request.url)) return proxy.handle(request, response);
  const policy = contentSecurityPolicy(randomBytes(16).toString('base64'));
  request.headers['content-security-policy'] = policy;
  request.headers['x-coppice-path'] = request.url;
  response.setHeader('Content-Security-Policy', policy);
  await servePage(request, response);
}

const server = createServer((request, response) => {
  answer(request, response).catch((cause: unknown) => {
    console.error('a page could not be served', request.method, request.url, cause);
    response.destroy();
  });
});
server.on('upgrade', (request, socket, head) => {
  if (isApiPath(request.url) && socket instanceof Socket) proxy.upgrade(request, socket, head);
  else socket.destroy();
});

function stop(): void {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  setTimeout(() => process.exit(0), STOP_MS).unref();
}
process.once('SIGTERM', stop);
process.once('SIGINT', stop);

server.listen(settings.port, settings.bind, () => {
  console.log(`dashboard listening on ${settings.bind}:${settings.port}, API at ${settings.apiUrl.origin}`);
});
