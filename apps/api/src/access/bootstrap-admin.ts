import { readFile } from 'node:fs/promises';
import type { Write } from '../events/write.js';
import { newId } from '../platform/ids.js';
import { ensureAdminToken } from './token.store.js';
import { hashToken } from './token.js';

/** The person whose token the installation begins with. */
export const BOOTSTRAP_EMAIL = 'admin@coppice.local';
/** Shorter ones could be guessed: 128 bits of chance in base64url have 22 characters. */
const SHORTEST_TOKEN = 22;
const LONGEST_TOKEN = 512;

/** The token in the file. Throws a sentence where the file is not there or holds no token. */
export async function readBootstrapToken(file: string): Promise<string> {
  const text = (await readFile(file, 'utf8')).trim();
  if (text.length >= SHORTEST_TOKEN && text.length <= LONGEST_TOKEN && !/\s/.test(text)) return text;
  const length = `${SHORTEST_TOKEN} to ${LONGEST_TOKEN} characters without blanks`;
  throw new Error(`The file ${file} must hold one token of ${length}. Nothing was started; write one into it and start again.`);
}

/** Makes sure that this token works and is an ADMIN's. Safe to repeat, and for several replicas at once. */
export async function ensureBootstrapAdmin(write: Write, token: string): Promise<void> {
  const wanted = { email: BOOTSTRAP_EMAIL, userId: newId(), tokenId: newId(), tokenHash: hashToken(token) };
  await write((transaction) => ensureAdminToken(transaction, wanted));
}
