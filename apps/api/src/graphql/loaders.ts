/** Batches and remembers reads within one answer. A loader never outlives it, so nobody is shown what another one loaded. */
import DataLoader from 'dataloader';
import type { AccessScope, Principal } from '../access/principal.js';
import { scopeOf } from '../access/scope.js';
import * as hosts from '../hosts/host.reads.store.js';
import { readMachineFacts } from '../machines/machine-facts.store.js';
import { findMachines } from '../machines/machine.reads.store.js';
import * as operations from '../operations/operation.reads.store.js';
import * as projects from '../projects/project.reads.store.js';
import { readTrees } from '../vm-snapshots/browse-tree/tree.reads.store.js';
import { treeView } from '../vm-snapshots/browse-tree/tree-view.js';
import * as snapshots from '../vm-snapshots/snapshot.reads.store.js';
import { findVolumeSnapshots } from '../volume-snapshots/volume-snapshot.reads.store.js';
import { findTemplates } from '../templates/template.reads.store.js';
import * as volumes from '../volumes/volume.reads.store.js';
import * as zones from '../zones/zone.reads.store.js';
import type { Application } from './application.js';

/** Most keys in one statement: PostgreSQL plans a list of this length well, and a page has at most 100 rows. */
const MAX_BATCH = 500;

/** One row per id; null where it is not there or not for this caller. */
function byId<T extends { id: string }>(find: (ids: readonly string[]) => Promise<T[]>): DataLoader<string, T | null> {
  return new DataLoader(
    async (ids) => {
      const found = new Map((await find(ids)).map((row) => [row.id, row]));
      return ids.map((id) => found.get(id) ?? null);
    },
    { maxBatchSize: MAX_BATCH },
  );
}

/** Many rows per key, in the order in which they were found. */
function listBy<T>(find: (keys: readonly string[]) => Promise<T[]>, keyOf: (row: T) => string | null): DataLoader<string, T[]> {
  return new DataLoader(
    async (keys) => {
      const lists = new Map<string, T[]>(keys.map((key) => [key, []]));
      for (const row of await find(keys)) lists.get(keyOf(row) ?? '')?.push(row);
      return keys.map((key) => lists.get(key) ?? []);
    },
    { maxBatchSize: MAX_BATCH },
  );
}

/** Where machines run. */
function placeLoaders(database: Application['database'], scope: AccessScope) {
  return {
    zone: byId((ids) => zones.findZones(database, scope, ids)),
    cluster: byId((ids) => zones.findClusters(database, scope, ids)),
    clustersOfZone: listBy(
      (ids) => zones.clustersOfZones(database, scope, ids),
      (row) => row.zoneId,
    ),
    host: byId((ids) => hosts.findHosts(database, scope, ids)),
    hostsOfCluster: listBy(
      (ids) => hosts.hostsOfClusters(database, scope, ids),
      (row) => row.clusterId,
    ),
    pool: byId((ids) => hosts.findPools(database, scope, ids)),
    poolsOfCluster: listBy(
      (ids) => hosts.poolsOfClusters(database, scope, ids),
      (row) => row.clusterId,
    ),
  };
}

/** The loaders of one answer for one caller. */
export function createLoaders({ database, operations: changes }: Pick<Application, 'database' | 'operations'>, principal: Principal) {
  const scope = scopeOf(principal);
  const viewer = { scope, userId: principal.userId, tokenId: principal.tokenId };
  return {
    project: byId((ids) => projects.findProjects(database, scope, ids)),
    user: byId((ids) => projects.findUsers(database, viewer, ids)),
    token: byId((ids) => projects.findTokens(database, viewer, ids)),
    membersOf: listBy(
      (ids) => projects.membersOfProjects(database, ids),
      (row) => row.projectId,
    ),
    tokensOf: listBy(
      (ids) => projects.tokensOfProjects(database, ids),
      (row) => row.projectId,
    ),
    ...placeLoaders(database, scope),
    machine: byId((ids) => findMachines(database, scope, ids)),
    machineFacts: new DataLoader((ids: readonly string[]) => Promise.all(ids.map((id) => readMachineFacts(database, id)))),
    volume: byId((ids) => volumes.findVolumes(database, scope, ids)),
    volumesOf: listBy(
      (ids) => volumes.volumesOfMachines(database, scope, ids),
      (row) => row.virtualMachineId,
    ),
    storage: byId((ids) => volumes.storageOfVolumes(database, ids)),
    snapshot: byId((ids) => snapshots.findSnapshots(database, scope, ids)),
    volumeSnapshot: byId((ids) => findVolumeSnapshots(database, scope, ids)),
    pinsOf: listBy(
      (ids) => snapshots.pinsOfSnapshots(database, ids),
      (row) => row.snapshotId,
    ),
    tree: byId(async (ids) => (await readTrees(database, scope, ids)).map(treeView)),
    template: byId((ids) => findTemplates(database, scope, ids)),
    operation: byId((ids) => operations.findOperations(database, scope, ids)),
    stepsOf: listBy(
      (ids) => operations.stepsOfOperations(database, ids),
      (row) => row.operationId,
    ),
    cancelEffect: new DataLoader<string, string | null>(async (ids) => {
      const effects = await changes.cancelEffects(principal, ids);
      return ids.map((id) => effects.get(id) ?? null);
    }),
    holder: listBy(
      (resources) => operations.holdersOf(database, resources),
      (row) => row.resource,
    ),
  };
}

/** The loaders of one answer. */
export type Loaders = ReturnType<typeof createLoaders>;
