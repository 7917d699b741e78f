import { CloseCode, type Hello } from '@coppice/protocol';
import { hostActor } from '../events/actor-record.js';
import { readStreamHead } from '../events/transition.store.js';
import type { Database, Reader, Transaction } from '../platform/database.js';
import { newId } from '../platform/ids.js';
import type { Admitted, NotAdmitted } from './admit-host.js';
import { type HostRow, lockHost, moveHost } from './host.store.js';
import { tokenHash } from './proof.js';

/** The channel on which a new session tells other replicas that theirs of this host is over: `<host id> <epoch>`. */
export const SESSIONS_CHANNEL = 'coppice_sessions';

/** The audit action that keeps an incarnation in memory once it is not the present one any more (subjectId: the incarnation). */
export const INCARNATION_KNOWN = 'database.incarnation';

/** The host that the identity names, by id or by the token's hash; null where there is none. */
export async function findHostOf(reader: Reader, identity: Hello['identity']): Promise<HostRow | null> {
  if (identity.kind === 'known') return reader.host.findUnique({ where: { id: identity.hostId } });
  return reader.host.findUnique({ where: { enrolmentTokenHash: new Uint8Array(tokenHash(identity.token)) } });
}

/** Whether this database once numbered under that incarnation, or saw it when a host enrolled. Rare: only asked for old numbers. */
export async function isKnownIncarnation(
  database: Database,
  hostId: string,
  highest: { incarnation: string; number: number },
): Promise<boolean> {
  const { incarnation, number } = highest;
  const numbered = await database.command.findUnique({
    where: { hostId_incarnation_number: { hostId, incarnation, number: BigInt(number) } },
    select: { id: true },
  });
  if (numbered) return true;
  const kept = await database.auditEvent.findFirst({
    where: { action: INCARNATION_KNOWN, subjectId: incarnation, projectId: null },
    select: { id: true },
  });
  return kept !== null;
}

type Opening = { hostId: string; replicaId: string; hello: Hello; at: Date };

/** Binds the journal, raises the epoch and marks the host UP; or says why not. One transaction; locks the host's row. */
export async function openSession(transaction: Transaction, opening: Opening): Promise<Admitted | NotAdmitted> {
  const { hello, replicaId, at } = opening;
  const host = await lockHost(transaction, opening.hostId);
  if (!host || host.state === 'REVOKED') {
    return { kind: 'refused', closeCode: CloseCode.REVOKED, message: 'An administrator has revoked this host.' };
  }
  if (hello.identity.kind === 'enrol') {
    const publicKey = Buffer.from(hello.identity.publicKey, 'base64');
    if (host.publicKey && !publicKey.equals(host.publicKey)) {
      return { kind: 'refused', closeCode: CloseCode.UNAUTHENTICATED, message: 'The enrolment token was used by another key meanwhile.' };
    }
    await enrol(transaction, host, { publicKey, hello, at });
  }
  const strange = strangeJournal(host, hello);
  if (strange) return { kind: 'refused', closeCode: CloseCode.JOURNAL_REFUSED, message: strange };
  const isKnown = hello.identity.kind === 'known';
  const { sessionEpoch } = await transaction.host.update({
    where: { id: host.id },
    data: {
      sessionEpoch: { increment: 1 },
      sessionReplicaId: replicaId,
      lastSeenAt: at,
      journalId: hello.journal.id,
      agentVersion: hello.agentVersion,
      libvirtVersion: hello.libvirtVersion,
      qemuVersion: hello.qemuVersion,
      capabilities: hello.capabilities,
      migrationUri: hello.migrationUri,
      // The token has done its work once its key has come back by itself.
      ...(isKnown ? { enrolmentTokenHash: null, enrolmentExpiresAt: null } : {}),
    },
  });
  if (host.state !== 'MAINTENANCE') {
    await moveHost(transaction, host, { to: 'UP', event: 'connect', reason: null, actor: hostActor(host.name) });
  }
  await transaction.$executeRaw`SELECT pg_notify(${SESSIONS_CHANNEL}, ${`${host.id} ${sessionEpoch}`})`;
  const { incarnation } = await readStreamHead(transaction);
  return {
    kind: 'admitted',
    hostId: host.id,
    hostName: host.name,
    epoch: sessionEpoch,
    incarnation,
    acknowledgedPosition: host.acknowledgedPosition,
  };
}

async function enrol(transaction: Transaction, host: HostRow, enrolled: { publicKey: Buffer; hello: Hello; at: Date }): Promise<void> {
  if (host.publicKey) return;
  const { publicKey, hello, at } = enrolled;
  await transaction.host.update({ where: { id: host.id }, data: { publicKey: new Uint8Array(publicKey) } });
  const highest = hello.journal.highestCommand;
  if (!highest) return;
  // It worked for another database before; without this line its next hello would look as if ours had been restored.
  await transaction.auditEvent.create({
    data: {
      id: newId(),
      at,
      actor: hostActor(host.name),
      action: INCARNATION_KNOWN,
      subjectId: highest.incarnation,
      subjectName: host.name,
      outcome: 'SEEN',
      detail: 'The host had worked for another database when it was enrolled.',
    },
  });
}

/** Why this journal is not the one that the record is bound to; null where it is, or where nothing is bound yet. */
function strangeJournal(host: HostRow, hello: Hello): string | null {
  if (host.journalId === null) return null;
  if (host.journalId !== hello.journal.id) {
    return 'The host came with another journal than it had: it may be a clone, or newly installed. An administrator must accept it.';
  }
  if (BigInt(hello.journal.position) >= host.acknowledgedPosition) return null;
  return 'The host’s journal ends before what it had reported: it may have been restored from a backup. An administrator must accept it.';
}
