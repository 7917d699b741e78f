/** What the operator may set, read once when the server starts. Nothing of it is known at build time. */
export type ServerSettings = { port: number; bind: string; apiUrl: URL };

/**
 * Reads COPPICE_WEB_PORT (3000), COPPICE_BIND (127.0.0.1) and COPPICE_API_URL (http://127.0.0.1:4000).
 * Throws with a sentence where one of them cannot be used.
 */
export function readSettings(env: Record<string, string | undefined>): ServerSettings {
  return {
    port: readPort(env.COPPICE_WEB_PORT ?? '3000'),
    bind: env.COPPICE_BIND ?? '127.0.0.1',
    apiUrl: readApiUrl(env.COPPICE_API_URL ?? 'http://127.0.0.1:4000'),
  };
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new Error(`COPPICE_WEB_PORT is "${text}", which is not a port. Give a number from 0 to 65535.`);
}

function readApiUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new Error(`COPPICE_API_URL is "${text}", which is not an address of the API. Give one such as http://127.0.0.1:4000.`);
}
