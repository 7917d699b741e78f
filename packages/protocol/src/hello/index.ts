/** How a session begins: challenge → hello → welcomed | refused. Nothing else is sent or accepted before. */
import { z } from 'zod';
import { count, timestamp, uuid } from '../scalars.js';

/** API → agent, first on every socket. The nonce is signed by the agent, so that a recorded hello cannot be replayed. */
export const challenge = z.object({
  type: z.literal('session.challenged'),
  /** 32 random bytes, base64. */
  nonce: z.string().min(40).max(64),
  oldestProtocolVersion: count,
  protocolVersion: count,
});

/** A first hello: the one-time token of `createHostEnrollment` and the key that the agent has just made. */
export const enrolIdentity = z.object({
  kind: z.literal('enrol'),
  token: z.string().min(20).max(256),
  /** Ed25519 public key, SPKI DER, base64. */
  publicKey: z.string().max(256),
  /** Over signedText(), base64. */
  signature: z.string().max(256),
});

/** Every later hello. */
export const knownIdentity = z.object({ kind: z.literal('known'), hostId: uuid, signature: z.string().max(256) });

/** What the host can do, and why not where it cannot. */
export const capability = z.object({ name: z.string().max(64), available: z.boolean(), reason: z.string().max(500).nullable() });

/** Where the agent's journal stands: lets the API tell a restored database and a cloned or restored host. */
export const journalHead = z.object({
  id: uuid,
  /** Position of the last record; grows by one with each. */
  position: count,
  /** The highest command ever accepted, with the database incarnation that numbered it; null before the first. */
  highestCommand: z.object({ incarnation: uuid, number: count }).nullable(),
  /** Commands accepted and not finished: they go on by themselves. */
  unfinished: z.array(uuid).max(256),
});

/** Agent → API, the answer to the challenge. */
export const hello = z.object({
  type: z.literal('session.hello'),
  protocolVersion: count,
  identity: z.discriminatedUnion('kind', [enrolIdentity, knownIdentity]),
  hostName: z.string().min(1).max(128),
  agentVersion: z.string().max(64),
  libvirtVersion: z.string().max(64),
  qemuVersion: z.string().max(64),
  capabilities: z.array(capability).max(64),
  /** Where other hosts of the cluster reach this one's libvirt for migrations; null: it takes none. */
  migrationUri: z.string().max(2048).nullable().default(null),
  journal: journalHead,
  at: timestamp,
});

/** API → agent: the session is open under this epoch. */
export const welcomed = z.object({
  type: z.literal('session.welcomed'),
  hostId: uuid,
  sessionEpoch: count,
  incarnation: uuid,
  /** Reports up to this position are recorded; the agent may turn them into tombstones. */
  acknowledgedPosition: count,
  heartbeatIntervalMs: count,
  heartbeatTimeoutMs: count,
});

/** API → agent: no session; the socket is closed with `closeCode` right after. */
export const refused = z.object({ type: z.literal('session.refused'), closeCode: count, message: z.string().max(1000) });

/**
 * The text that an agent signs with its Ed25519 key.
 * `subject` is the host's id, or for an enrolment the SHA-256 of the token in hex.
 */
export function signedText(nonce: string, subject: string): string {
  return `coppice-agent-hello-v1\n${nonce}\n${subject}`;
}
