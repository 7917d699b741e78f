import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type PrincipalOfToken, SESSION_COOKIE } from './callers.js';
import { SESSION_SECONDS } from './limits.js';

const body = z.object({ token: z.string().min(1).max(512) });

/** POST /session {token} → an HttpOnly, SameSite=Strict cookie, 204 or 401. DELETE /session takes it away, 204. */
export function addSessionRoute(server: FastifyInstance, principalOfToken: PrincipalOfToken): void {
  server.post('/session', async (request, reply) => {
    const parsed = body.safeParse(request.body);
    const principal = parsed.success ? await principalOfToken(parsed.data.token) : null;
    if (!parsed.success || principal === null) {
      const message = 'This access token is not valid. Nothing was changed; check it, or ask for a new one.';
      return reply.code(401).send({ errors: [{ message, extensions: { code: 'UNAUTHENTICATED' } }] });
    }
    const left = principal.expiresAt === null ? SESSION_SECONDS : Math.floor((principal.expiresAt.getTime() - Date.now()) / 1000);
    const maxAge = Math.max(1, Math.min(SESSION_SECONDS, left));
    const secure = request.headers['x-forwarded-proto'] === 'https' || request.protocol === 'https';
    reply.setCookie(SESSION_COOKIE, parsed.data.token, { httpOnly: true, sameSite: 'strict', path: '/', secure, maxAge });
    return reply.code(204).send();
  });

  server.delete('/session', async (_request, reply) => {
    reply.clearCookie(SESSION_COOKIE, { httpOnly: true, sameSite: 'strict', path: '/' });
    return reply.code(204).send();
  });
}
