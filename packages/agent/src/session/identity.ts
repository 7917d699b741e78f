import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Hello, signedText } from '@coppice/protocol';
import { z } from 'zod';
import { writeDurably } from '../durable-file.js';
import { hasErrorCode } from '../failure.js';

const hostFile = z.object({ hostId: z.uuid() });

/** Who this host is: an Ed25519 key made at the first start, and the host's id once an enrolment bound the two. */
export interface Identity {
  readonly key: KeyObject;
  readonly hostId: string | null;
}

/** There is neither an enrolled host nor a token to enrol one. */
class NotEnrolled extends Error {
  override readonly name = 'NotEnrolled';
}

/** Reads the identity of a state folder; makes the key (mode 0600) if there is none yet. */
export async function readIdentity(stateDir: string): Promise<Identity> {
  const pem = await textOf(join(stateDir, 'key'));
  const host = await textOf(join(stateDir, 'host.json'));
  return {
    key: pem === null ? await makeKey(stateDir) : createPrivateKey(pem),
    hostId: host === null ? null : hostFile.parse(JSON.parse(host)).hostId,
  };
}

/** Keeps the id that the enrolment gave; the token is not used again. Throws if this state folder is another host's. */
export async function bindHost(stateDir: string, hostId: string): Promise<void> {
  const known = (await readIdentity(stateDir)).hostId;
  if (known === hostId) return;
  if (known !== null) throw new Error(`the API calls this host ${hostId}, and it enrolled as ${known}`);
  await writeDurably(join(stateDir, 'host.json'), `${JSON.stringify({ hostId })}\n`);
}

/** The identity part of the hello for this challenge. Throws NotEnrolled. */
export function proveIdentity(identity: Identity, nonce: string, token: string | undefined): Hello['identity'] {
  if (identity.hostId !== null) {
    return { kind: 'known', hostId: identity.hostId, signature: signed(identity.key, signedText(nonce, identity.hostId)) };
  }
  if (token === undefined) {
    throw new NotEnrolled('This host is not enrolled: let an ADMIN make a token with createHostEnrollment and set enrolmentToken.');
  }
  const publicKey = createPublicKey(identity.key).export({ type: 'spki', format: 'der' }).toString('base64');
  const subject = createHash('sha256').update(token).digest('hex');
  return { kind: 'enrol', token, publicKey, signature: signed(identity.key, signedText(nonce, subject)) };
}

async function makeKey(stateDir: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeDurably(join(stateDir, 'key'), privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  return privateKey;
}

function signed(key: KeyObject, text: string): string {
  return sign(null, Buffer.from(text), key).toString('base64');
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return null;
    throw error;
  }
}
