/** Signing in and out: the API keeps the session in an HttpOnly cookie, so no script here ever holds the token after it was sent. */

/** The API's session cookie. Only whether it is there matters here; scripts cannot read it. */
export const SESSION_COOKIE = 'coppice_session';

/** How long the API may take to answer, in ms. */
const SESSION_MS = 15_000;

/** Sends the token. Null where it was taken, else why not, in a sentence. */
export async function signIn(token: string): Promise<string | null> {
  const response = await ask({ method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ token }) });
  if (response === null || response.status >= 500) return 'Coppice does not answer now. Your token was not judged; try again in a moment.';
  if (response.ok) return null;
  if (response.status === 429) return 'Too many tries in a short time. Wait a minute, then try again.';
  return 'This token was refused. It may be mistyped, expired or revoked; copy it again, without spaces around it.';
}

/** Ends the session. False where the API could not be told, so the session may still be there. */
export async function signOut(): Promise<boolean> {
  const response = await ask({ method: 'DELETE' });
  return response !== null && (response.ok || response.status === 401);
}

async function ask(init: RequestInit): Promise<Response | null> {
  try {
    return await fetch('/session', { ...init, credentials: 'same-origin', signal: AbortSignal.timeout(SESSION_MS) });
  } catch {
    // No answer at all: the caller says so in words.
    return null;
  }
}

/** The sign-in page, which leads back to `here` afterwards. */
export function signInPath(here: string): string {
  return here === '/' || here === '/machines' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(here)}`;
}

/** Where to go after signing in: a path of ours, or the start page where the address does not name one. */
export function readReturnPath(search: string): string {
  const wanted = new URLSearchParams(search).get('next') ?? '/';
  const base = 'http://dashboard.invalid';
  const url = URL.canParse(wanted, base) ? new URL(wanted, base) : undefined;
  return url?.origin === base && wanted.startsWith('/') ? `${url.pathname}${url.search}` : '/';
}
