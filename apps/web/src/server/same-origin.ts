/** The two headers that say where a request comes from and where it goes. */
export type OriginHeaders = { origin?: string | undefined; host?: string | undefined };

/**
 * Whether a browser sent this from our own pages. Cookies do not know ports, and SameSite takes every port of a host for one site, so a page of
 * another program on the same host could otherwise open our WebSocket with the visitor's session. No Origin: not a browser, its token decides.
 */
export function isSameOrigin(headers: OriginHeaders): boolean {
  if (headers.origin === undefined) return true;
  return URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host?.toLowerCase();
}
