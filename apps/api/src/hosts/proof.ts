import { createHash, createPublicKey, verify } from 'node:crypto';
import { signedText } from '@coppice/protocol';

/** The SHA-256 of an enrolment token, as it is stored. */
export function tokenHash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Whether the signature over the challenge was made with this Ed25519 key (SPKI DER). Any key or signature that cannot be read is no proof. */
export function isProof(proof: { publicKey: Uint8Array; nonce: string; subject: string; signature: string }): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(proof.publicKey), format: 'der', type: 'spki' });
    if (key.asymmetricKeyType !== 'ed25519') return false;
    return verify(null, Buffer.from(signedText(proof.nonce, proof.subject)), key, Buffer.from(proof.signature, 'base64'));
  } catch {
    // What a stranger sends may be anything; that it is no proof is the whole answer.
    return false;
  }
}
