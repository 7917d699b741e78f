import * as fc from 'fast-check';
import type { Layer } from '../model/layer-forest.js';
import type { Doomed } from '../plan/delete-plan.js';
import type { ModelWorld, WorldSnapshot } from './model-world.js';
import { type DeleteOptions, runDelete } from './run-delete.js';
import { runClone, runCreate, runDestroyClone, runFlatten, runRevert } from './run-tree.js';
import { guestsWrite, type Weather } from './trouble.js';

/** What a random operation is made of; each kind reads the dice in its own way. */
export type RandomOperation = { kind: Kind; dice: readonly number[] };

type Kind =
  | 'write'
  | 'power'
  | 'create'
  | 'revert'
  | 'delete'
  | 'deleteSeveral'
  | 'deleteSubtree'
  | 'deleteAll'
  | 'free'
  | 'consolidate'
  | 'flatten'
  | 'clone'
  | 'destroyClone'
  | 'attach'
  | 'grow'
  | 'lock';

/** How often each is tried, of 90. */
const WEIGHTS: readonly (readonly [Kind, number])[] = [
  ['write', 20],
  ['power', 6],
  ['create', 16],
  ['revert', 9],
  ['delete', 16],
  ['deleteSeveral', 4],
  ['deleteSubtree', 2],
  ['deleteAll', 1],
  ['free', 2],
  ['consolidate', 6],
  ['flatten', 2],
  ['clone', 2],
  ['destroyClone', 1],
  ['attach', 3],
  ['grow', 1],
  ['lock', 1],
];

/** Operations that happen as often as is interesting: writes and deletes often, clones seldom. */
export function randomOperations(bounds: { minLength: number; maxLength: number }): fc.Arbitrary<RandomOperation[]> {
  const kinds = WEIGHTS.map(([kind, weight]) => ({ arbitrary: fc.constant(kind), weight }));
  const dice = fc.array(fc.nat(9999), { minLength: 6, maxLength: 6 });
  return fc.array(fc.record({ kind: fc.oneof(...kinds), dice }), { ...bounds, size: 'max' });
}

/**
 * Does one operation to its end, looking at every snapshot after every step, and at the record and files at the end. False where there
 * was nothing to do, or it was refused.
 */
export function runOperation(world: ModelWorld, operation: RandomOperation): boolean {
  const before = world.happened;
  RUNS[operation.kind](world, operation.dice);
  world.look(operation.kind);
  world.audit(operation.kind);
  return world.happened > before;
}

type Run = (world: ModelWorld, dice: readonly number[]) => void;

const RUNS: Record<Kind, Run> = {
  write: (world, dice) => {
    for (const seed of dice) guestsWrite(world, { seed: seed + 1, written: 0 });
    if (world.running.size > 0) world.count('write');
  },
  power: (world, dice) => {
    const machineId = machineOf(world, dice);
    world.setPower(machineId, !world.running.has(machineId));
    world.count('start or stop');
  },
  create: (world, dice) => {
    const machineId = machineOf(world, dice);
    const attached = world.headsOf(machineId).flatMap((head) => (head.target === null ? [] : [head.volumeId]));
    const kind = world.running.has(machineId) && at(dice, 2) % 5 === 0 ? 'DISK_AND_MEMORY' : 'DISK';
    const subset = attached.filter((_volumeId, index) => (at(dice, 1) >> index) % 2 === 0);
    const volumeIds = kind === 'DISK' && at(dice, 2) % 3 === 0 && subset.length > 0 ? subset : null;
    runCreate(world, machineId, { kind, volumeIds, weather: weatherOf(dice) });
  },
  revert: (world, dice) => {
    const snapshot = pick(
      world.snapshots.filter((one) => one.state === 'READY'),
      at(dice, 1),
    );
    if (snapshot)
      runRevert(world, snapshot, { snapshotFirst: at(dice, 2) % 3 === 0, start: at(dice, 3) % 2 === 0, weather: weatherOf(dice) });
  },
  delete: (world, dice) => {
    const doomed = pick(world.snapshots, at(dice, 1));
    if (doomed) deleteThese(world, dice, [doomed]);
  },
  deleteSeveral: (world, dice) => {
    const machineId = machineOf(world, dice);
    deleteThese(
      world,
      dice,
      world.snapshotsOf(machineId).filter((_snapshot, index) => (at(dice, 1) >> index) % 2 === 0),
    );
  },
  deleteSubtree: (world, dice) => {
    const doomed = pick(world.snapshots, at(dice, 1));
    if (doomed) runDelete(world, doomed.machineId, optionsOf(dice, { snapshotIds: [doomed.id], withDescendants: true }));
  },
  deleteAll: (world, dice) => deleteThese(world, dice, world.snapshotsOf(machineOf(world, dice))),
  free: (world, dice) => runDelete(world, machineOf(world, dice), optionsOf(dice, { freeBytes: 1 + (at(dice, 1) % 9) })),
  consolidate: (world, dice) => runDelete(world, machineOf(world, dice), optionsOf(dice, { snapshotIds: [], withDescendants: false })),
  flatten: (world, dice) => {
    const head = pick(world.record.heads, at(dice, 1));
    if (head) runFlatten(world, head.volumeId, { downTo: at(dice, 2) % 2 === 0 ? 'TEMPLATE' : 'ALL', weather: weatherOf(dice) });
  },
  clone: (world, dice) => {
    const snapshot = pick(
      world.snapshotsOf('a').filter((one) => one.state === 'READY'),
      at(dice, 1),
    );
    if (snapshot) runClone(world, snapshot);
  },
  destroyClone: (world) => runDestroyClone(world),
  attach: (world, dice) => changeDisks(world, at(dice, 1)),
  grow: (world, dice) => {
    const head = pick(world.record.heads, at(dice, 1));
    if (head && world.files.sizeOf(world.headFile(head.volumeId)) < 10) {
      world.growHead(head.volumeId, world.files.sizeOf(world.headFile(head.volumeId)) + 1);
      world.count('grow');
    }
  },
  lock: (world, dice) => {
    const snapshot = pick(world.snapshots, at(dice, 1));
    world.snapshots = world.snapshots.map((one) => (one === snapshot ? { ...one, isLocked: !one.isLocked } : one));
    if (snapshot) world.count('lock or unlock');
  },
};

function deleteThese(world: ModelWorld, dice: readonly number[], doomed: readonly WorldSnapshot[]): void {
  const [first] = doomed;
  if (!first) return;
  const snapshotIds = doomed.filter((one) => one.machineId === first.machineId).map((one) => one.id);
  runDelete(world, first.machineId, optionsOf(dice, { snapshotIds, withDescendants: false }));
}

/** Machine a's second disk goes and comes back; a third one takes its place now and then. */
function changeDisks(world: ModelWorld, die: number): void {
  const third = world.record.heads.some((head) => head.volumeId === 'a2');
  if (!third && die % 2 === 0) {
    const free = world.headsOf('a').some((head) => head.target === 'vdb') ? 'vdc' : 'vdb';
    world.addVolume('a', { volumeId: 'a2', target: free, backingLayerId: null, clusters: 4, format: 'qcow2' });
    return;
  }
  const volumeId = third && die % 3 === 0 ? 'a2' : 'a1';
  const taken = new Set(world.headsOf('a').map((head) => head.target));
  const heads = world.record.heads.map((head) => {
    if (head.volumeId !== volumeId) return head;
    if (head.target !== null) return { ...head, target: null };
    return { ...head, target: taken.has('vdb') ? 'vdc' : 'vdb' };
  });
  const targets = heads.flatMap((head) => (head.machineId === 'a' && head.target !== null ? [head.target] : []));
  if (new Set(targets).size === targets.length) {
    world.record = { ...world.record, heads };
    world.count('attach or detach');
  }
}

function optionsOf(dice: readonly number[], doomed: Doomed): DeleteOptions {
  const hiding = at(dice, 2);
  return {
    doomed,
    hidden: (layer: Layer) => hiding % 3 === 0 && (layer.fileName.charCodeAt(layer.fileName.indexOf('.') + 1) + hiding) % 4 === 0,
    checkpointedVolumeIds: new Set(at(dice, 3) % 4 === 0 ? ['a1'] : []),
    restLimitBytes: at(dice, 3) % 6,
    onlyOwn: at(dice, 3) % 2 === 0,
    weather: weatherOf(dice),
  };
}

function weatherOf(dice: readonly number[]): Weather {
  const kind = (['NONE', 'NONE', 'AGENT', 'HOST', 'CANCEL'] as const)[at(dice, 4) % 5] ?? 'NONE';
  return { trouble: { kind, after: at(dice, 5) % 13 }, guests: { seed: at(dice, 4) % 3 === 0 ? 0 : at(dice, 5), written: 0 } };
}

function machineOf(world: ModelWorld, dice: readonly number[]): string {
  return at(dice, 0) % 4 === 0 && world.headsOf('b').length > 0 ? 'b' : 'a';
}

function at(dice: readonly number[], index: number): number {
  return dice[index] ?? 0;
}

function pick<T>(from: readonly T[], die: number): T | undefined {
  return from[die % from.length];
}
