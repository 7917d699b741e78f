import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { Journal } from '@coppice/agent/journal/journal.js';
import { type Hello, PROTOCOL_VERSION, signedText } from '@coppice/protocol';

/** The private key of every simulated agent, Ed25519 in PKCS #8. It is fixed, so that a seed gives the same messages in every run. */
const KEY = createPrivateKey({
  key: Buffer.from(`302e020100300506032b657004220420${'42'.repeat(32)}`, 'hex'),
  format: 'der',
  type: 'pkcs8',
});
const PUBLIC_KEY = createPublicKey(KEY).export({ type: 'spki', format: 'der' }).toString('base64');

/** Who says hello: `hostId` once it was told, before that with the token of its enrolment. */
type Greeter = { name: string; token: string; hostId: string | null; journal: Journal['state'] };

/** The answer to a challenge. */
export function helloOf(greeter: Greeter, nonce: string): Hello {
  const { name, journal } = greeter;
  return {
    type: 'session.hello',
    protocolVersion: PROTOCOL_VERSION,
    identity: identityOf(greeter, nonce),
    hostName: name,
    agentVersion: '0.1.0',
    libvirtVersion: '9.0.0',
    qemuVersion: '7.2.22',
    capabilities: [],
    migrationUri: null,
    journal: {
      id: journal.id,
      position: journal.position,
      highestCommand: journal.highestCommand,
      unfinished: journal.unfinished().map(({ command }) => command.id),
    },
    at: new Date().toISOString(),
  };
}

function identityOf({ token, hostId }: Greeter, nonce: string): Hello['identity'] {
  const signed = (subject: string) => sign(null, Buffer.from(signedText(nonce, subject)), KEY).toString('base64');
  if (hostId !== null) return { kind: 'known', hostId, signature: signed(hostId) };
  return { kind: 'enrol', token, publicKey: PUBLIC_KEY, signature: signed(createHash('sha256').update(token).digest('hex')) };
}
