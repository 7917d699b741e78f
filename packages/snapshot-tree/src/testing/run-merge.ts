import { checkReads } from '../check/check-reads.js';
import type { MachineHead } from '../model/forest-record.js';
import type { LayerForest } from '../model/layer-forest.js';
import { applyMerge, applyThicken, type Merge } from '../plan/merge.js';
import { assertLegal } from './legal-merge.js';
import { assertNone, MODEL_CHAIN_LIMIT, type ModelWorld } from './model-world.js';

/** How far a merge is, as an agent's journal keeps it: from REPOINT on, or PULLED where nothing was committed, only forward. */
export type MergeJournal = { phase: 'COMMIT' | 'REPOINT' | 'PULL' | 'PULLED' | 'DONE' };

/**
 * Carries a merge out on files, cluster by cluster, with a stop after each: whoever drives it may let guests write, look, or never come
 * back. Begun again with its journal it goes on: a copy from its start, a re-pointing at the next child.
 */
export function* runMerge(world: ModelWorld, merge: Merge, journal: MergeJournal): Generator<string> {
  const topId = merge.layerIds.at(-1) ?? merge.targetId;
  if (journal.phase === 'COMMIT') assertLegal(world, merge);
  if (merge.thickens !== null && world.record.heads.some((head) => head.headLayerId === topId)) yield* thicken(world, merge, topId);
  const forest = world.forest();
  const names = merge.layerIds.map((id) => forest.layer(id).fileName);
  const target = forest.layer(merge.targetId).fileName;
  const at = names.indexOf(target);
  if (journal.phase === 'COMMIT') {
    yield* commit(world, names.slice(at + 1).toReversed(), target);
    journal.phase = topId === merge.targetId ? 'PULL' : 'REPOINT';
  }
  if (journal.phase === 'REPOINT') {
    yield* repoint(world, forest, { merge, topId, target });
    journal.phase = 'PULL';
  }
  if (journal.phase === 'PULL') {
    yield* pull(world, names.slice(0, at).toReversed(), target);
    journal.phase = 'PULLED';
  }
  if (at > 0) {
    const below = forest.layer(merge.layerIds[0] ?? merge.targetId).backingLayerId;
    world.files.rebase(target, below === null ? null : forest.layer(below).fileName);
    yield `${target} reads on below its run`;
  }
  const before = world.record;
  world.record = applyMerge(before, merge);
  assertNone(checkReads(before, world.record, [merge]), 'a merge');
  world.pendingDiscards.push(...merge.garbageIds.map((id) => forest.layer(id).fileName));
  journal.phase = 'DONE';
  yield 'the merge is recorded';
}

function* thicken(world: ModelWorld, merge: Merge, topId: string): Generator<string> {
  const top = world.forest().layer(topId);
  const fileName = merge.thickens ?? '';
  if (!world.pendingDiscards.includes(fileName)) {
    world.files.create(fileName, { clusters: world.files.sizeOf(top.fileName), backing: top.fileName });
    world.pendingDiscards.push(fileName);
    // A name is used up once a file may have it, whatever becomes of the operation.
    const usedUp = (head: MachineHead) => (head.headLayerId === topId ? { ...head, nextLayerNumber: head.nextLayerNumber + 1 } : head);
    world.record = { ...world.record, heads: world.record.heads.map(usedUp) };
  }
  if (world.forest().chainOf(topId).length + 1 > MODEL_CHAIN_LIMIT) throw new Error(`no place is left for ${fileName} in its chain`);
  yield `${fileName} is made`;
  world.pendingDiscards = world.pendingDiscards.filter((name) => name !== fileName);
  world.definition.set(merge.volumeId, fileName);
  world.record = applyThicken(world.record, merge, `${merge.volumeId}#${world.next()}`);
  yield `the guest writes on in ${fileName}`;
}

/** `above` topmost first. */
function* commit(world: ModelWorld, above: readonly string[], target: string): Generator<string> {
  const { files } = world;
  const [top] = above;
  if (top === undefined) return;
  files.grow(target, files.sizeOf(top));
  for (let cluster = 0; cluster < files.sizeOf(top); cluster += 1) {
    const holder = above.find((name) => files.own(name, cluster) !== null);
    const value = holder === undefined ? null : files.own(holder, cluster);
    if (value === null) continue;
    files.move(target, cluster, value);
    yield `cluster ${cluster} is committed into ${target}`;
  }
}

/** Copies what is missing, nothing else: a cluster that the guest has written meanwhile is left alone. `below` nearest first. */
export function* pull(world: ModelWorld, below: readonly string[], target: string): Generator<string> {
  const { files } = world;
  if (below.length === 0) return;
  for (let cluster = 0; cluster < files.sizeOf(target); cluster += 1) {
    const holder = below.find((name) => files.own(name, cluster) !== null);
    const value = holder === undefined ? null : files.own(holder, cluster);
    if (value === null || files.own(target, cluster) !== null) continue;
    files.move(target, cluster, value);
    yield `cluster ${cluster} is pulled into ${target}`;
  }
}

/** Children by the plan's own list; a head's definition. */
function* repoint(world: ModelWorld, forest: LayerForest, at: { merge: Merge; topId: string; target: string }): Generator<string> {
  const { merge, topId, target } = at;
  const thin = merge.thickens === null ? [] : forest.childrenOf(topId).map((layer) => layer.id);
  const live = merge.liveChildId === null ? thin : [merge.liveChildId];
  for (const childId of [...live, ...merge.repointIds]) {
    world.files.rebase(forest.layer(childId).fileName, target);
    yield `${childId} names ${target}`;
  }
  for (const head of world.record.heads.filter((one) => one.headLayerId === topId)) {
    world.definition.set(head.volumeId, target);
    yield `the definition names ${target}`;
  }
}
