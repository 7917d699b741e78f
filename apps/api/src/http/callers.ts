import type { IncomingHttpHeaders } from 'node:http';
import { fastifyCookie } from '@fastify/cookie';
import { bearerToken, isSameOrigin } from '../access/credentials.js';
import type { Principal } from '../access/principal.js';

/** The name of the session cookie; its value is the access token, which scripts of a page cannot read (HttpOnly). */
export const SESSION_COOKIE = 'coppice_session';

/** Looks up the caller of a token's text; null for none. */
export type PrincipalOfToken = (token: string) => Promise<Principal | null>;

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function cookieToken(headers: IncomingHttpHeaders): string | null {
  return headers.cookie === undefined ? null : (fastifyCookie.parse(headers.cookie)[SESSION_COOKIE] ?? null);
}

function sameOrigin(headers: IncomingHttpHeaders): boolean {
  return isSameOrigin({ origin: headers.origin, host: headers.host, forwardedHost: one(headers['x-forwarded-host']) });
}

/**
 * The token of a request: its header, else its cookie. A cookie counts only from a page of this place; browsers send Origin with every
 * request that could change something, so a request without one comes from no page.
 */
export function tokenOfRequest(headers: IncomingHttpHeaders): string | null {
  const bearer = bearerToken(headers.authorization);
  if (bearer !== null) return bearer;
  return headers.origin === undefined || sameOrigin(headers) ? cookieToken(headers) : null;
}

/**
 * The token of a WebSocket: its connection parameters, else the header of its upgrade, else its cookie. Browsers let any page open a
 * WebSocket to anywhere, cookies included, so here the cookie counts only with an Origin that is this place's.
 */
export function tokenOfSocket(headers: IncomingHttpHeaders, parameters: Readonly<Record<string, unknown>> | undefined): string | null {
  const given = parameters?.['authorization'] ?? parameters?.['Authorization'];
  if (given !== undefined) return bearerToken(given);
  return bearerToken(headers.authorization) ?? (sameOrigin(headers) ? cookieToken(headers) : null);
}
