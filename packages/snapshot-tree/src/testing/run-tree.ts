import { expect } from 'vitest';
import type { Layer } from '../model/layer-forest.js';
import { planCreate } from '../plan/plan-create.js';
import type { VmSnapshotKind } from '../plan/delete-plan.js';
import { unreachableLayers, withoutLayers } from '../plan/merge-runs.js';
import { applyFlatten, planFlatten } from '../plan/plan-flatten.js';
import { planRevert } from '../plan/plan-revert.js';
import type { RevertPlan } from '../plan/revert-plan.js';
import { MODEL_CHAIN_LIMIT, type ModelWorld, type WorldSnapshot } from './model-world.js';
import { discardPending, MODEL_MEMORY_BYTES } from './run-delete.js';
import { pull } from './run-merge.js';
import { drive, type Weather } from './trouble.js';

const measured = () => false;

/** Takes a snapshot: empty files, one atomic freeze, the record. Trouble before the freeze undoes it, after it rolls it forward. */
export function runCreate(
  world: ModelWorld,
  machineId: string,
  wanted: { volumeIds: string[] | null; kind: VmSnapshotKind; weather: Weather },
): void {
  world.measure(measured);
  const volumes = world.headsOf(machineId);
  const power = world.running.has(machineId) ? 'ON' : 'OFF';
  const forest = world.forest();
  const planned = planCreate({ ...wanted, forest, volumes, power, quiesce: false, chainLimit: MODEL_CHAIN_LIMIT });
  if (!planned.ok) return world.count(`create refused ${planned.refusal.code}`);
  world.count(`create ${wanted.kind}`);
  const made = planned.value.volumes.map(({ volumeId, frozen, newFileName, virtualBytes }) => ({
    volumeId,
    frozen,
    newFileName,
    virtualBytes,
    n: volumes.find((head) => head.volumeId === volumeId)?.nextLayerNumber ?? 0,
  }));
  const files = (function* creating() {
    for (const volume of made) {
      world.files.create(volume.newFileName, { clusters: volume.virtualBytes, backing: volume.frozen.fileName });
      world.pendingDiscards.push(volume.newFileName);
      yield `${volume.newFileName} is made`;
    }
  })();
  if (!drive(world, files, wanted.weather)) {
    drive(world, discardPending(world), { ...wanted.weather, trouble: { kind: 'NONE', after: 0 } });
    return;
  }
  const id = `s${world.next()}`;
  world.noteSnapshot(
    id,
    made.map((volume) => volume.volumeId),
  );
  for (const volume of made) world.definition.set(volume.volumeId, volume.newFileName);
  world.look('all are frozen at once');
  const added = made.map((volume) => ({
    ...volume,
    layer: world.rowOf({ volumeId: volume.volumeId, n: volume.n, backingLayerId: volume.frozen.id, clusters: volume.virtualBytes }),
  }));
  world.pendingDiscards = world.pendingDiscards.filter((name) => !made.some((volume) => volume.newFileName === name));
  world.record = {
    layers: [...world.record.layers, ...added.map((volume) => volume.layer)],
    heads: world.record.heads.map((head) => {
      const volume = added.find((one) => one.volumeId === head.volumeId);
      return volume ? { ...head, headLayerId: volume.layer.id, nextLayerNumber: volume.n + 1 } : head;
    }),
    pins: [...world.record.pins, ...made.map((volume) => ({ snapshotId: id, volumeId: volume.volumeId, layerId: volume.frozen.id }))],
  };
  const attached = volumes.filter((head) => head.target !== null);
  addNode(world, machineId, {
    id,
    kind: wanted.kind,
    targets: new Map(
      attached.filter((head) => made.some((one) => one.volumeId === head.volumeId)).map((head) => [head.volumeId, head.target ?? '']),
    ),
    isSubset: made.length < attached.length,
  });
}

function addNode(world: ModelWorld, machineId: string, node: Pick<WorldSnapshot, 'id' | 'kind' | 'targets' | 'isSubset'>): void {
  const parentId = world.current.get(machineId) ?? null;
  const memoryBytes = node.kind === 'DISK_AND_MEMORY' ? MODEL_MEMORY_BYTES : null;
  world.snapshots = [...world.snapshots, { ...node, machineId, parentId, state: 'READY', isLocked: false, memoryBytes }];
  world.current.set(machineId, node.id);
}

/** Reverts: fresh files, the switch, the record, then the abandoned heads. */
export function runRevert(
  world: ModelWorld,
  snapshot: WorldSnapshot,
  wanted: { snapshotFirst: boolean; start: boolean; weather: Weather },
): void {
  const { machineId } = snapshot;
  world.measure(measured);
  const planned = planRevert({
    ...wanted,
    forest: world.forest(),
    snapshot: { ...snapshot, disks: world.disksOf(snapshot) },
    heads: world.headsOf(machineId),
    pins: world.record.pins,
    unavailable: new Map(),
    power: world.running.has(machineId) ? 'ON' : 'OFF',
    hasManagedSave: false,
    chainLimit: MODEL_CHAIN_LIMIT,
  });
  if (!planned.ok) return world.count(`revert refused ${planned.refusal.code}`);
  const plan = planned.value;
  world.count(`revert ${snapshot.kind}${wanted.snapshotFirst ? ' after a safety snapshot' : ''}`);
  const forest = world.forest();
  const files = (function* creating() {
    for (const head of plan.newHeads) {
      world.files.create(head.newFileName, { clusters: head.virtualBytes, backing: forest.layer(head.overLayerId).fileName });
      world.pendingDiscards.push(head.newFileName);
      yield `${head.newFileName} is made`;
    }
  })();
  const isDone = drive(world, files, wanted.weather);
  if (isDone) recordRevert(world, snapshot, plan);
  drive(world, discardPending(world), isDone ? wanted.weather : { ...wanted.weather, trouble: { kind: 'NONE', after: 0 } });
}

function recordRevert(world: ModelWorld, snapshot: WorldSnapshot, plan: RevertPlan): void {
  const { machineId } = snapshot;
  world.setPower(machineId, false);
  const safetyId = `s${world.next()}`;
  if (plan.safetyPins)
    world.noteSnapshot(
      safetyId,
      plan.safetyPins.map((pin) => pin.volumeId),
    );
  const fresh = plan.newHeads.map((head) => {
    const n = world.record.heads.find((one) => one.volumeId === head.volumeId)?.nextLayerNumber ?? 0;
    return {
      ...head,
      n,
      layer: world.rowOf({ volumeId: head.volumeId, n, backingLayerId: head.overLayerId, clusters: head.virtualBytes }),
    };
  });
  for (const head of fresh) {
    world.definition.set(head.volumeId, head.newFileName);
    if (world.disksOf(snapshot).some((disk) => disk.volumeId === head.volumeId)) world.expectHead(head.volumeId, snapshot.id);
  }
  world.look('the definition is switched');
  const detached = new Set(plan.detaches);
  const abandoned = new Set(plan.abandoned);
  world.pendingDiscards = world.pendingDiscards.filter((name) => !fresh.some((head) => head.newFileName === name));
  world.pendingDiscards.push(...plan.abandoned.map((id) => world.layerFile(id)));
  world.record = {
    layers: [...world.record.layers.filter((layer) => !abandoned.has(layer.id)), ...fresh.map((head): Layer => head.layer)],
    heads: world.record.heads.map((head) => {
      const now = fresh.find((one) => one.volumeId === head.volumeId);
      if (now) return { ...head, target: now.target, headLayerId: now.layer.id, nextLayerNumber: now.n + 1 };
      return detached.has(head.volumeId) ? { ...head, target: null } : head;
    }),
    pins: [...world.record.pins, ...(plan.safetyPins ?? []).map(({ volumeId, layerId }) => ({ snapshotId: safetyId, volumeId, layerId }))],
  };
  if (plan.safetyPins) {
    addNode(world, machineId, {
      id: safetyId,
      kind: 'DISK',
      targets: new Map(plan.safetyPins.map((pin) => [pin.volumeId, pin.target])),
      isSubset: false,
    });
  }
  world.current.set(machineId, snapshot.id);
  if (snapshot.kind === 'DISK_AND_MEMORY' || plan.endsRunning) world.setPower(machineId, true);
  world.look('the revert is recorded');
}

/** Makes a volume's chain short by copying; every snapshot keeps its own. Repeated from its start after trouble. */
export function runFlatten(world: ModelWorld, volumeId: string, wanted: { downTo: 'TEMPLATE' | 'ALL'; weather: Weather }): void {
  world.measure(measured);
  const planned = planFlatten({ ...wanted, record: world.record, volumeId });
  if (!planned.ok) return world.count(`flatten refused ${planned.refusal.code}`);
  world.count('flatten');
  const plan = planned.value;
  const forest = world.forest();
  const target = forest.layer(plan.layerId).fileName;
  const below = plan.pulledIds.map((id) => forest.layer(id).fileName).toReversed();
  const calm = { ...wanted.weather, trouble: { kind: 'NONE' as const, after: 0 } };
  const moved = world.files.movedClusters;
  const isDone = drive(world, pull(world, below, target), wanted.weather);
  if (!isDone) drive(world, pull(world, below, target), calm);
  if (wanted.weather.guests.seed === 0) expect(world.files.movedClusters - moved).toBeLessThanOrEqual(plan.plan.bytesToMove);
  world.files.rebase(target, plan.keptBackingId === null ? null : forest.layer(plan.keptBackingId).fileName);
  world.look('the head reads on below what it pulled');
  world.record = applyFlatten(world.record, plan);
  world.pendingDiscards.push(...plan.discards.map((id) => forest.layer(id).fileName));
  drive(world, discardPending(world), calm);
}

/** A second machine over what a snapshot holds of each disk. */
export function runClone(world: ModelWorld, snapshot: WorldSnapshot): void {
  const disks = world.disksOf(snapshot);
  const forest = world.forest();
  if (world.headsOf('b').length > 0 || disks.some((disk) => forest.chainOf(disk.layerId).length + 2 > MODEL_CHAIN_LIMIT)) return;
  world.count('clone');
  for (const disk of disks) {
    const clusters = world.files.sizeOf(forest.layer(disk.layerId).fileName);
    const made = { volumeId: `b${world.next()}`, target: disk.target, backingLayerId: disk.layerId, clusters, format: 'qcow2' as const };
    world.addVolume('b', made);
  }
}

/** The second machine goes with its snapshots; what the first reads stays. */
export function runDestroyClone(world: ModelWorld): void {
  const volumeIds = new Set(world.headsOf('b').map((head) => head.volumeId));
  if (volumeIds.size === 0) return;
  world.count('destroy the clone');
  world.setPower('b', false);
  for (const volumeId of volumeIds) world.definition.delete(volumeId);
  const gone = new Set(world.snapshotsOf('b').map((snapshot) => snapshot.id));
  world.snapshots = world.snapshots.filter((snapshot) => !gone.has(snapshot.id));
  world.current.set('b', null);
  const record = {
    ...world.record,
    heads: world.record.heads.filter((head) => !volumeIds.has(head.volumeId)),
    pins: world.record.pins.filter((pin) => !gone.has(pin.snapshotId)),
  };
  const unread = unreachableLayers(record);
  world.record = withoutLayers(record, unread);
  world.pendingDiscards.push(...unread.map((layer) => layer.fileName));
  drive(world, discardPending(world), { trouble: { kind: 'NONE', after: 0 }, guests: { seed: 0, written: 0 } });
}
