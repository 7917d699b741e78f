import { createHash, randomBytes } from 'node:crypto';

/** Starts every token, so that a leaked one is recognised by those who look for such things. */
const PREFIX = 'coppice_';

/** A new token: 256 bits of chance. */
export function newTokenText(): string {
  return PREFIX + randomBytes(32).toString('base64url');
}

/** What is kept of a token. A plain SHA-256 is enough for 256 bits of chance: there is nothing to guess from. */
export function hashToken(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(text).digest());
}
