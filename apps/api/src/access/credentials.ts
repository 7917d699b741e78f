/** Where a caller's token comes from: a header, connection parameters, or the session cookie of a browser. */

/** Longest token that is looked at, in characters. */
const LONGEST_TOKEN = 512;

/** The token of `Authorization: Bearer …`; null where there is none. */
export function bearerToken(authorization: unknown): string | null {
  if (typeof authorization !== 'string' || authorization.length > LONGEST_TOKEN + 7) return null;
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? null;
}

/**
 * Whether a request that carries the cookie comes from a page of this very place. A browser sends the cookie of its own accord, so a
 * foreign page could ask in somebody's name; it cannot forge Origin, and it cannot set X-Forwarded-Host, which a proxy of ours sets.
 */
export function isSameOrigin(headers: {
  origin?: string | undefined;
  host?: string | undefined;
  forwardedHost?: string | undefined;
}): boolean {
  if (headers.origin === undefined || !URL.canParse(headers.origin)) return false;
  const { host } = new URL(headers.origin);
  return host !== '' && (host === headers.host || host === headers.forwardedHost);
}
