import { checkFiles } from '../check/check-files.js';
import { checkForest } from '../check/check-forest.js';
import type { VmSnapshotState } from '../lifecycle/vm-snapshot.js';
import { extentsFrom } from '../model/extents.js';
import type { ForestRecord, MachineHead } from '../model/forest-record.js';
import { type Layer, LayerForest } from '../model/layer-forest.js';
import type { VmSnapshotKind } from '../plan/delete-plan.js';
import { layerFileName } from '../plan/layer-file-name.js';
import type { SnapshotDisk } from '../plan/revert-plan.js';
import { ModelFiles } from './model-files.js';

/** Throws with the findings: a plain throw, because it is asked a million times. */
export function assertNone(findings: readonly string[], after: string): void {
  if (findings.length > 0) throw new Error(`after ${after}: ${findings.join('; ')}`);
}

/** A snapshot as a store keeps it. Pins are in the record; the disks say where each volume was. */
export type WorldSnapshot = {
  id: string;
  machineId: string;
  parentId: string | null;
  state: VmSnapshotState;
  isLocked: boolean;
  kind: VmSnapshotKind;
  memoryBytes: number | null;
  targets: ReadonlyMap<string, string>;
  isSubset: boolean;
};

/** Short, so that the limit is met; long enough for trees worth the name. */
export const MODEL_CHAIN_LIMIT = 7;

/**
 * Two machines and their files, the record of them, and the reference: what every snapshot and every head reads, noted when it was
 * written and never computed again. `look` compares. The second machine has volumes once it is a linked clone of the first.
 */
export class ModelWorld {
  readonly files = new ModelFiles();
  record: ForestRecord<MachineHead> = { layers: [], heads: [], pins: [] };
  snapshots: WorldSnapshot[] = [];
  readonly current = new Map<string, string | null>();
  readonly running = new Set<string>();
  /** Volume → the file that its machine writes: the host's definition, which may be ahead of the record. */
  readonly definition = new Map<string, string>();
  /** Files whose layers have left the record. */
  pendingDiscards: string[] = [];
  /** What happened how often, for those who count. */
  readonly done = new Map<string, number>();
  happened = 0;
  readonly #frozenReads = new Map<string, number[]>();
  readonly #headReads = new Map<string, number[]>();
  #counter = 0;

  constructor(clusters: number) {
    this.addLayer({ volumeId: 'template', n: 0, backingLayerId: null, clusters, isTemplate: true });
    for (let at = 0; at < clusters; at += 2) this.files.write(layerFileName('template', 0), at, this.next());
    this.addVolume('a', { volumeId: 'a0', target: 'vda', backingLayerId: 'template.0', clusters, format: 'qcow2' });
    this.addVolume('a', { volumeId: 'a1', target: 'vdb', backingLayerId: null, clusters, format: 'raw' });
    this.current.set('a', null);
    this.current.set('b', null);
  }

  /** A number never seen before. */
  next(): number {
    this.#counter += 1;
    return this.#counter;
  }

  count(what: string): void {
    if (!what.includes('refused')) this.happened += 1;
    this.done.set(what, (this.done.get(what) ?? 0) + 1);
  }

  forest(): LayerForest {
    return new LayerForest(this.record.layers);
  }

  headsOf(machineId: string): MachineHead[] {
    return this.record.heads.filter((head) => head.machineId === machineId);
  }

  snapshotsOf(machineId: string): WorldSnapshot[] {
    return this.snapshots.filter((snapshot) => snapshot.machineId === machineId);
  }

  disksOf(snapshot: WorldSnapshot): SnapshotDisk[] {
    return this.record.pins
      .filter((pin) => pin.snapshotId === snapshot.id)
      .map((pin) => ({ volumeId: pin.volumeId, layerId: pin.layerId, target: snapshot.targets.get(pin.volumeId) ?? '' }));
  }

  layerFile(layerId: string): string {
    return this.forest().layer(layerId).fileName;
  }

  addLayer(
    made: { volumeId: string; n: number; backingLayerId: string | null; clusters: number } & Partial<Pick<Layer, 'isTemplate' | 'format'>>,
  ): Layer {
    const layer = this.rowOf(made);
    const backing = layer.backingLayerId === null ? null : this.layerFile(layer.backingLayerId);
    this.files.create(layer.fileName, { clusters: made.clusters, backing });
    this.record = { ...this.record, layers: [...this.record.layers, layer] };
    return layer;
  }

  rowOf(
    made: { volumeId: string; n: number; backingLayerId: string | null; clusters: number } & Partial<Pick<Layer, 'isTemplate' | 'format'>>,
  ): Layer {
    return {
      id: `${made.volumeId}.${made.n}`,
      volumeId: made.volumeId,
      fileName: layerFileName(made.volumeId, made.n),
      format: made.format ?? 'qcow2',
      backingLayerId: made.backingLayerId,
      virtualBytes: made.clusters,
      allocatedBytes: 0,
      isTemplate: made.isTemplate ?? false,
      data: [],
      isSpoiled: false,
    };
  }

  addVolume(
    machineId: string,
    made: { volumeId: string; target: string; backingLayerId: string | null; clusters: number; format: Layer['format'] },
  ): void {
    const layer = this.addLayer({ ...made, n: 0 });
    const head = { volumeId: made.volumeId, target: made.target, headLayerId: layer.id, nextLayerNumber: 1, machineId };
    this.record = { ...this.record, heads: [...this.record.heads, { ...head, isRunning: this.running.has(machineId) }] };
    this.definition.set(made.volumeId, layer.fileName);
    this.noteHead(made.volumeId);
  }

  setPower(machineId: string, isRunning: boolean): void {
    if (isRunning) this.running.add(machineId);
    else this.running.delete(machineId);
    this.record = {
      ...this.record,
      heads: this.record.heads.map((head) => (head.machineId === machineId ? { ...head, isRunning } : head)),
    };
  }

  headFile(volumeId: string): string {
    const file = this.definition.get(volumeId);
    if (file === undefined) throw new Error(`volume ${volumeId} is in no definition`);
    return file;
  }

  /** A guest writes: only a running machine's attached disks can be written. */
  write(volumeId: string, at: number, value: number): void {
    const head = this.record.heads.find((one) => one.volumeId === volumeId);
    if (!head || head.target === null || !this.running.has(head.machineId)) return;
    const reads = this.#headReads.get(volumeId) ?? [];
    const cluster = at % reads.length;
    this.files.write(this.headFile(volumeId), cluster, value);
    reads[cluster] = value;
  }

  /** The reference takes note of what a head reads now, because it is another by intention. */
  noteHead(volumeId: string): void {
    this.#headReads.set(volumeId, this.files.readAll(this.headFile(volumeId)));
  }

  /** The reference takes the state of the heads for a snapshot: not from its files, but from what the guests wrote. */
  noteSnapshot(snapshotId: string, volumeIds: readonly string[]): void {
    for (const volumeId of volumeIds) this.#frozenReads.set(`${snapshotId} ${volumeId}`, [...(this.#headReads.get(volumeId) ?? [])]);
  }

  /** The reference says what a head must read after a revert. */
  expectHead(volumeId: string, snapshotId: string): void {
    this.#headReads.set(volumeId, [...(this.#frozenReads.get(`${snapshotId} ${volumeId}`) ?? [])]);
  }

  growHead(volumeId: string, clusters: number): void {
    this.files.grow(this.headFile(volumeId), clusters);
    const reads = this.#headReads.get(volumeId) ?? [];
    while (reads.length < clusters) reads.push(0);
  }

  /** Data maps of all layers as a host would send them; `hidden` ones are not measured. */
  measure(hidden: (layer: Layer) => boolean): void {
    const layers = this.record.layers.map((layer): Layer => {
      const data = this.files.dataClusters(layer.fileName);
      const extents = hidden(layer) ? null : extentsFrom(data.map((at) => [at, at + 1] as const));
      return { ...layer, allocatedBytes: data.length, data: extents, virtualBytes: this.files.sizeOf(layer.fileName) };
    });
    this.record = { ...this.record, layers };
  }

  /** Invariant 1: every READY snapshot and every head reads what it did. Asked after every single step of anything. */
  look(after: string): void {
    const fileOf = new Map(this.record.layers.map((layer) => [layer.id, layer.fileName]));
    const states = new Map(this.snapshots.map((snapshot) => [snapshot.id, snapshot.state]));
    for (const pin of this.record.pins) {
      if (states.get(pin.snapshotId) !== 'READY') continue;
      const expected = this.#frozenReads.get(`${pin.snapshotId} ${pin.volumeId}`);
      this.#compare({
        file: fileOf.get(pin.layerId) ?? pin.layerId,
        expected,
        what: `snapshot ${pin.snapshotId} of ${pin.volumeId}`,
        after,
      });
    }
    for (const [volumeId, file] of this.definition) {
      this.#compare({ file, expected: this.#headReads.get(volumeId), what: `head of ${volumeId}`, after });
    }
  }

  #compare(check: { file: string; expected: number[] | undefined; what: string; after: string }): void {
    const size = this.files.sizeOf(check.file);
    const isSame = check.expected?.length === size && check.expected.every((value, at) => this.files.read(check.file, at) === value);
    if (isSame) return;
    const reads = this.files.readAll(check.file).join(' ');
    throw new Error(
      `after ${check.after}: ${check.what} (${check.file}) reads [${reads}], not [${check.expected?.join(' ') ?? 'anything'}]`,
    );
  }

  /** Invariants 2 and 3 once nothing is under way: record, files and definition say the same. */
  audit(after: string): void {
    assertNone(checkForest(this.record), after);
    const found = this.files.names().map((fileName) => ({ fileName, backingFileName: this.files.backingOf(fileName) }));
    assertNone(
      checkFiles(this.record, found, new Set(this.pendingDiscards)).map((finding) => finding.message),
      after,
    );
    const forest = this.forest();
    for (const head of this.record.heads) {
      if (forest.chainOf(head.headLayerId).length > MODEL_CHAIN_LIMIT)
        throw new Error(`after ${after}: the chain of ${head.volumeId} is too long`);
    }
    const places = new Set<string>();
    for (const head of this.record.heads) {
      const place = `${head.machineId} ${head.target ?? head.volumeId}`;
      if (places.has(place)) throw new Error(`after ${after}: two disks are at ${place}`);
      places.add(place);
      const file = forest.layer(head.headLayerId).fileName;
      if (this.headFile(head.volumeId) !== file)
        throw new Error(`after ${after}: the definition has ${this.headFile(head.volumeId)}, not ${file}`);
    }
  }
}
