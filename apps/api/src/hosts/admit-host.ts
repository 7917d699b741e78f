/** Whether a host that says hello may have a session, and under which epoch. */
import { CloseCode, type CloseCodeValue, type Hello } from '@coppice/protocol';
import type { Write } from '../events/write.js';
import type { Clock } from '../platform/clock.js';
import type { Database } from '../platform/database.js';
import { findHostOf, isKnownIncarnation, openSession } from './admission.store.js';
import type { HostRow } from './host.store.js';
import { isProof, tokenHash } from './proof.js';

/** A session that may begin. */
export type Admitted = {
  kind: 'admitted';
  hostId: string;
  hostName: string;
  epoch: bigint;
  incarnation: string;
  acknowledgedPosition: bigint;
};
/** No session: a person, or time, must help. */
export type NotAdmitted = { kind: 'refused'; closeCode: CloseCodeValue; message: string };

/** What admission needs; `restored` starts a new incarnation of the database that was found to be older than its hosts. */
type AdmitOptions = {
  database: Database;
  write: Write;
  clock: Clock;
  replicaId: string;
  restored: (incarnation: string) => Promise<void>;
};

/**
 * In this order: who it is (proof over the nonce), whether it may come, whether its journal is the one that the record is bound to, and
 * whether the database is not older than what the host remembers. Then the epoch is raised, and older sessions are over.
 */
export async function admitHost(options: AdmitOptions, hello: Hello, nonce: string): Promise<Admitted | NotAdmitted> {
  const host = await findHostOf(options.database, hello.identity);
  const stranger = refuseStranger(host, hello, { nonce, now: options.clock.now() });
  if (stranger || !host) return stranger ?? UNKNOWN;
  const older = await restoredFrom(options.database, host, hello);
  if (older) await options.restored(older);
  return options.write((transaction) =>
    openSession(transaction, { hostId: host.id, replicaId: options.replicaId, hello, at: options.clock.now() }),
  );
}

const UNKNOWN: NotAdmitted = {
  kind: 'refused',
  closeCode: CloseCode.UNAUTHENTICATED,
  message: 'This host is not known, or its proof is not right. Enrol it with a new token.',
};

function refuseStranger(host: HostRow | null, hello: Hello, at: { nonce: string; now: Date }): NotAdmitted | null {
  if (!host) return UNKNOWN;
  const { identity } = hello;
  if (identity.kind === 'known') {
    const isKnown = host.publicKey && isProof({ ...at, ...identity, publicKey: host.publicKey, subject: host.id });
    if (!isKnown) return UNKNOWN;
  } else {
    const publicKey = Buffer.from(identity.publicKey, 'base64');
    if (!isProof({ ...at, signature: identity.signature, publicKey, subject: tokenHash(identity.token).toString('hex') })) return UNKNOWN;
    // The same key again: its first welcome was lost. Another key: the token was used.
    const isRepeat = host.publicKey !== null && publicKey.equals(host.publicKey);
    if (host.publicKey !== null && !isRepeat) return UNKNOWN;
    if (host.publicKey === null && (!host.enrolmentExpiresAt || host.enrolmentExpiresAt < at.now)) {
      return { ...UNKNOWN, message: 'The enrolment token has expired. Make a new one with createHostEnrollment.' };
    }
  }
  if (host.state !== 'REVOKED') return null;
  return { kind: 'refused', closeCode: CloseCode.REVOKED, message: 'An administrator has revoked this host.' };
}

/** The present incarnation, where the host remembers a command that this database does not know of; null where all is well. */
async function restoredFrom(database: Database, host: HostRow, hello: Hello): Promise<string | null> {
  const highest = hello.journal.highestCommand;
  // A host that enrols is new to this database, whatever it did for another one.
  if (!highest || hello.identity.kind === 'enrol') return null;
  const stream = await database.eventStream.findUniqueOrThrow({ where: { id: 1 } });
  if (highest.incarnation === stream.incarnation) return BigInt(highest.number) > host.lastCommandNumber ? stream.incarnation : null;
  return (await isKnownIncarnation(database, host.id, highest)) ? null : stream.incarnation;
}
