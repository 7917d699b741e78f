/** Reads of zones and clusters. They belong to the installation: nobody but an ADMIN sees one. */
import type { AccessScope } from '../access/principal.js';
import type { Reader } from '../platform/database.js';

/** A zone as the API shows it. */
export type ZoneRecord = { __typename: 'Zone'; id: string; name: string };
/** A cluster as the API shows it. */
export type ClusterRecord = { __typename: 'Cluster'; id: string; name: string; zoneId: string };

/** All zones by name; none for a tenant. */
export async function listZones(reader: Reader, scope: AccessScope): Promise<ZoneRecord[]> {
  if (!scope.isAdmin) return [];
  const rows = await reader.zone.findMany({ orderBy: { name: 'asc' } });
  return rows.map(({ id, name }) => ({ __typename: 'Zone', id, name }));
}

/** The zones with these ids, in no order. */
export async function findZones(reader: Reader, scope: AccessScope, ids: readonly string[]): Promise<ZoneRecord[]> {
  if (!scope.isAdmin) return [];
  const rows = await reader.zone.findMany({ where: { id: { in: [...ids] } } });
  return rows.map(({ id, name }) => ({ __typename: 'Zone', id, name }));
}

/** The clusters with these ids, in no order. */
export async function findClusters(reader: Reader, scope: AccessScope, ids: readonly string[]): Promise<ClusterRecord[]> {
  if (!scope.isAdmin) return [];
  const rows = await reader.cluster.findMany({ where: { id: { in: [...ids] } } });
  return rows.map(({ id, name, zoneId }) => ({ __typename: 'Cluster', id, name, zoneId }));
}

/** The clusters of these zones, by name. */
export async function clustersOfZones(reader: Reader, scope: AccessScope, zoneIds: readonly string[]): Promise<ClusterRecord[]> {
  if (!scope.isAdmin) return [];
  const rows = await reader.cluster.findMany({ where: { zoneId: { in: [...zoneIds] } }, orderBy: { name: 'asc' } });
  return rows.map(({ id, name, zoneId }) => ({ __typename: 'Cluster', id, name, zoneId }));
}
