/** Facts of a machine, for tests of decisions: web-1 of acme, running on h1 with vda, whose chain is as long as told. */
import type { Layer } from '@coppice/snapshot-tree';
import type { Principal, Role } from '../access/principal.js';
import type { MachineFacts, SnapshotFacts } from '../machines/machine-facts.store.js';

const at = new Date(0);
export const PROJECT_ID = '00000000-0000-7000-8000-00000000000a';

type Volume = MachineFacts['volumes'][number];
type Host = MachineFacts['machine']['host'];
type Project = NonNullable<MachineFacts['machine']['project']>;
type LayerRow = MachineFacts['layerRows'][number];

/** A layer of volume v, named as Coppice names them. */
export function someLayer(id: string, changed: Partial<Layer> = {}): Layer {
  const base = { format: 'qcow2' as const, backingLayerId: null, virtualBytes: 64, allocatedBytes: 1, data: null };
  const fileName = `volume-00000000-0000-4000-8000-000000000000.${id.replace(/\D/g, '') || '0'}.qcow2`;
  return { id, volumeId: 'v', fileName, isTemplate: false, isSpoiled: false, ...base, ...changed };
}

/** The row of a layer of volume v, frozen and in no merge. */
export function someLayerRow(id: string, changed: Partial<LayerRow> = {}): LayerRow {
  return {
    id,
    volumeId: 'v',
    fileName: someLayer(id).fileName,
    format: 'qcow2',
    state: 'PRESENT',
    backingLayerId: null,
    virtualBytes: 64n,
    allocatedBytes: 1n,
    isFrozen: true,
    isTemplate: false,
    dataMap: null,
    measuredAt: null,
    mergeState: 'NONE',
    mergedBy: null,
    createdAt: at,
    ...changed,
  };
}

/** A volume of the machine; `pool` changes parts of its pool. */
export function someVolume(changed: Partial<Omit<Volume, 'pool'>> & { pool?: Partial<Volume['pool']> } = {}): Volume {
  const { pool, ...rest } = changed;
  const type = 'SHARED_MOUNT_POINT' as const;
  const poolRow = { id: 'p', name: 'pool', type, clusterId: 'c', hostId: null, createdAt: at, capacityBytes: null, availableBytes: null };
  return {
    id: 'v',
    name: 'web-1-vda',
    projectId: PROJECT_ID,
    virtualMachineId: 'm',
    target: 'vda',
    poolId: 'p',
    virtualBytes: 64n,
    headLayerId: 'l0',
    nextLayerNumber: 1,
    createdAt: at,
    pool: { ...poolRow, ...pool },
    ...rest,
  };
}

/** A host of the cluster, UP. */
export function someHost(changed: Partial<Host> = {}): Host {
  return {
    id: 'h',
    name: 'h1',
    clusterId: 'c',
    state: 'UP',
    lastSeenAt: at,
    agentVersion: null,
    libvirtVersion: null,
    qemuVersion: null,
    capabilities: [],
    disabledCapabilities: [],
    enrolmentTokenHash: null,
    enrolmentExpiresAt: null,
    publicKey: null,
    migrationUri: null,
    journalId: null,
    acknowledgedPosition: 0n,
    sessionEpoch: 1n,
    sessionReplicaId: null,
    lastCommandNumber: 0n,
    createdAt: at,
    ...changed,
  };
}

/** A READY snapshot of disks. */
export function someSnapshot(id: string, changed: Partial<SnapshotFacts> = {}): SnapshotFacts {
  return {
    id,
    virtualMachineId: 'm',
    projectId: PROJECT_ID,
    name: id,
    description: null,
    kind: 'DISK',
    consistency: 'CRASH',
    state: 'READY',
    parentId: null,
    locked: false,
    createdAt: at,
    createdBy: {},
    memoryBytes: null,
    filePool: null,
    hasNvram: false,
    error: null,
    operationId: null,
    disks: [],
    isSubset: false,
    ...changed,
  };
}

/** The project acme, without quotas. */
export function someProject(changed: Partial<Project> = {}): Project {
  const quotas = { quotaVmSnapshots: null, quotaVolumeSnapshots: null, quotaSnapshotBytes: null };
  return { id: PROJECT_ID, name: 'acme', createdAt: at, ...quotas, ...changed };
}

/** Who asks: a token with this role in acme, or none; or an administrator. */
export function somePrincipal(role: Role | null, isAdmin = false): Principal {
  const roles = new Map(role === null ? [] : [[PROJECT_ID, role] as const]);
  const actor = { kind: 'TOKEN' as const, name: 't', userId: null };
  return { tokenId: 't', key: 'token:t', actor, email: 't', userId: null, expiresAt: null, isAdmin, roles };
}

type Changes = Partial<Omit<MachineFacts, 'machine'>> & { machine?: Partial<MachineFacts['machine']> };

/** The facts, with what a test wants otherwise. */
export function someFacts({ machine, ...changed }: Changes = {}): MachineFacts {
  return {
    machine: {
      id: 'm',
      domainUuid: 'd',
      name: 'web-1',
      domainName: null,
      projectId: PROJECT_ID,
      hostId: 'h',
      state: 'RUNNING',
      powerState: 'ON',
      guestAgent: 'CONNECTED',
      vcpus: 1,
      memoryBytes: 1n,
      currentSnapshotId: null,
      headSince: null,
      treeRevision: 0,
      epoch: 0n,
      drift: null,
      inventoryPosition: 0n,
      createdAt: at,
      host: someHost(),
      project: someProject(),
      ...machine,
    },
    volumes: [someVolume()],
    otherVolumes: [],
    layers: [someLayer('l0')],
    layerRows: [],
    pins: [],
    heads: [],
    poolNames: new Map([['v', 'pool']]),
    snapshots: [],
    names: new Set<string>(),
    snapshotsEver: 0,
    snapshotsOfProject: null,
    volumeSnapshotsOfProject: null,
    volumeSnapshotsEver: 0,
    volumeSnapshot: null,
    driftCodes: null,
    capabilities: [],
    holder: null,
    destination: null,
    garbage: [],
    garbageFiles: [],
    isNameTaken: false,
    template: null,
    ...changed,
  };
}

/** The code of a refusal, or `done`. */
export function codeOf(outcome: { ok: boolean; refusals?: readonly { code: string }[] }): string {
  return outcome.refusals?.[0]?.code ?? 'done';
}
