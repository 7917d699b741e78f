import { z } from 'zod';
import type { ActorRecord } from '../access/principal.js';
import type { Reader, Transaction } from '../platform/database.js';
import { newId } from '../platform/ids.js';
import { SESSIONS_CHANNEL } from './admission.store.js';
import type { HostRow } from './host.store.js';

/** Whether there is such a zone. */
export async function zoneExists(reader: Reader, zoneId: string): Promise<boolean> {
  return (await reader.zone.count({ where: { id: zoneId } })) === 1;
}

/** Whether there is such a cluster. */
export async function clusterExists(reader: Reader, clusterId: string): Promise<boolean> {
  return (await reader.cluster.count({ where: { id: clusterId } })) === 1;
}

/** Inserts a zone; the name is unique. */
export async function addZone(transaction: Transaction, zone: { id: string; name: string }): Promise<void> {
  await transaction.zone.create({ data: zone });
}

/** Inserts a cluster; the name is unique in its zone. */
export async function addCluster(transaction: Transaction, cluster: { id: string; zoneId: string; name: string }): Promise<void> {
  await transaction.cluster.create({ data: cluster });
}

/**
 * A host that may enrol with this token; the same host again, with a new token, as long as none has enrolled. Answers its id, or null
 * where the name belongs to a host that has enrolled or to another cluster.
 */
export async function addEnrolment(
  transaction: Transaction,
  enrolment: { id: string; clusterId: string; name: string; tokenHash: Buffer; expiresAt: Date },
): Promise<string | null> {
  const { id, clusterId, name, expiresAt } = enrolment;
  const token = { enrolmentTokenHash: new Uint8Array(enrolment.tokenHash), enrolmentExpiresAt: expiresAt };
  const known = await transaction.host.findUnique({ where: { name } });
  if (!known) {
    await transaction.host.create({ data: { id, name, clusterId, ...token } });
    return id;
  }
  if (known.publicKey !== null || known.clusterId !== clusterId) return null;
  await transaction.host.update({ where: { id: known.id }, data: token });
  return known.id;
}

/** Forgets the journal that a locked host was bound to: the next hello binds the one that it brings. Its machines are looked at anew. */
export async function acceptJournal(transaction: Transaction, host: HostRow): Promise<void> {
  await transaction.host.update({ where: { id: host.id }, data: { journalId: null, acknowledgedPosition: 0n } });
  await transaction.virtualMachine.updateMany({ where: { hostId: host.id }, data: { inventoryPosition: 0n } });
}

/** Ends the sessions of a locked host wherever they are: no replica holds the present epoch any more, and each hears of it. */
export async function endSessions(transaction: Transaction, host: HostRow): Promise<void> {
  const { sessionEpoch } = await transaction.host.update({
    where: { id: host.id },
    data: { sessionEpoch: { increment: 1 }, sessionReplicaId: null },
    select: { sessionEpoch: true },
  });
  await transaction.$executeRaw`SELECT pg_notify(${SESSIONS_CHANNEL}, ${`${host.id} ${sessionEpoch}`})`;
}

/** One line of the audit trail of something that was done. */
export async function audit(
  transaction: Transaction,
  event: { actor: ActorRecord; action: string; subjectId: string; subjectName: string; at: Date },
): Promise<void> {
  await transaction.auditEvent.create({ data: { id: newId(), outcome: 'DONE', ...event } });
}

const named = z.array(z.object({ name: z.string() }));

/** Whether the host has said anything of a capability of this name. */
export function hasCapability(host: HostRow, name: string): boolean {
  return named.parse(host.capabilities).some((one) => one.name === name);
}

/** Switches a capability of a locked host on or off; whether the host has it is its own business. */
export async function switchCapability(transaction: Transaction, host: HostRow, to: { name: string; enabled: boolean }): Promise<void> {
  const others = host.disabledCapabilities.filter((name) => name !== to.name);
  const disabledCapabilities = to.enabled ? others : [...others, to.name];
  await transaction.host.update({ where: { id: host.id }, data: { disabledCapabilities } });
}
