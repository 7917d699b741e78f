import type { Reader, Transaction } from '../platform/database.js';

/** Names of what can be busy. */
export const resourceOf = {
  machine: (id: string) => `machine:${id}`,
  volume: (id: string) => `volume:${id}`,
  layerForest: (volumeId: string) => `layer-forest:${volumeId}`,
};

/**
 * Claims all of them, or answers false: then roll back, since some are held by another operation. They are inserted in order, so two
 * that want the same wait for each other in one direction only, and never for ever. Before every other lock, right after its operation's row.
 */
export async function claim(transaction: Transaction, wanted: { resources: readonly string[]; operationId: string }): Promise<boolean> {
  const resources = [...new Set(wanted.resources)].sort();
  const { operationId } = wanted;
  const taken = await transaction.claim.createMany({
    data: resources.map((resource) => ({ resource, operationId, epoch: 0n })),
    skipDuplicates: true,
  });
  if (taken.count === resources.length) return true;
  // What an operation holds already it may claim again.
  return (await transaction.claim.count({ where: { resource: { in: resources }, operationId } })) === resources.length;
}

/** Notes the machine's epoch on the claims of an operation, once the machine is locked and its epoch raised. */
export async function noteEpoch(transaction: Transaction, operationId: string, epoch: bigint): Promise<void> {
  await transaction.claim.updateMany({ where: { operationId }, data: { epoch } });
}

/** Gives back everything that the operation holds. Only in the transaction that ends it. */
export async function releaseClaims(transaction: Transaction, operationId: string): Promise<void> {
  await transaction.claim.deleteMany({ where: { operationId } });
}

/** The operation that holds one of these, or null. */
export async function holderOf(reader: Reader, resources: readonly string[]): Promise<string | null> {
  const held = await reader.claim.findFirst({ where: { resource: { in: [...resources] } }, orderBy: { resource: 'asc' } });
  return held?.operationId ?? null;
}
