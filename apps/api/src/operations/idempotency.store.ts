import { createHash } from 'node:crypto';
import type { Reader, Transaction } from '../platform/database.js';
import { IDEMPOTENCY_MS } from './limits.js';

/** Whose key it is. */
export type KeyOwner = { projectId: string; principal: string; key: string };

/** What a key stands for. */
type KeyedOperation = { operationId: string; bodyHash: Buffer };

/** The hash of a mutation and its normalised input, without the key itself. */
export function bodyHash(mutation: string, input: Record<string, unknown>): Buffer {
  const ordered = Object.keys(input)
    .sort()
    .map((name) => [name, input[name]]);
  return createHash('sha256')
    .update(JSON.stringify([mutation, ordered]))
    .digest();
}

/** The operation that this key stands for, or null; after IDEMPOTENCY_MS a key is free again. */
export async function findKey(reader: Reader, owner: KeyOwner, now: Date): Promise<KeyedOperation | null> {
  const row = await reader.idempotencyKey.findUnique({ where: { projectId_principal_key: owner } });
  if (!row || row.createdAt.getTime() < now.getTime() - IDEMPOTENCY_MS) return null;
  return { operationId: row.operationId, bodyHash: Buffer.from(row.bodyHash) };
}

/** Takes the key for an operation; false where another transaction took it meanwhile: then roll back and look it up again. */
export async function takeKey(transaction: Transaction, owner: KeyOwner, taken: KeyedOperation & { now: Date }): Promise<boolean> {
  await transaction.idempotencyKey.deleteMany({
    where: { ...owner, createdAt: { lt: new Date(taken.now.getTime() - IDEMPOTENCY_MS) } },
  });
  const inserted = await transaction.idempotencyKey.createMany({
    data: [{ ...owner, operationId: taken.operationId, bodyHash: new Uint8Array(taken.bodyHash), createdAt: taken.now }],
    skipDuplicates: true,
  });
  return inserted.count === 1;
}

/** Removes keys that are free again; answers how many. At most a thousand at once, so that the statement stays short. */
export async function forgetOldKeys(reader: Reader, now: Date): Promise<number> {
  const before = new Date(now.getTime() - IDEMPOTENCY_MS);
  return reader.$executeRaw`DELETE FROM idempotency_key WHERE ctid IN (SELECT ctid FROM idempotency_key WHERE created_at < ${before} LIMIT 1000)`;
}
