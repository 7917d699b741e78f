/**
 * Layers of one volume in the pool of a host world, with a model of what a reader of each has to see: every content claim is read back by
 * qemu-io from the files themselves.
 */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandBody } from '@coppice/protocol';
import { runProgram } from '@coppice/lab';
import { z } from 'zod';
import type { HostWorld } from './host-world.js';
import type { TestMachine } from './test-machine.js';

type MergeBody = Extract<CommandBody, { verb: 'merge-layers' }>;

/** Content is told in blocks of one cluster. */
const BLOCK_BYTES = 64 * 1024;
const DEADLINE_MS = 60_000;

/** `count` blocks from `block` on are full of `byte`; 0 is written as zeros without data. */
export interface Write {
  readonly block: number;
  readonly count: number;
  readonly byte: number;
}

/** See the file's head. */
export class TestLayers {
  readonly volumeId = randomUUID();
  private readonly over = new Map<number, number | null>();
  private readonly views = new Map<number, number[]>();
  private readonly raw = new Set<number>();

  constructor(
    private readonly world: HostWorld,
    private readonly blocks = 512,
    /** Where the files lie, the world's pool unless another is said; how a header names the layer below, by its whole path if nothing is said. */
    private readonly place: { pool: string; dir: string; nameOf?: (path: string) => string } = { pool: 'pool', dir: world.poolDir },
  ) {}

  /** Layers 0 to `count` - 1 under a machine g1 that stands at its firmware, and one more beside the top: a branch. */
  static async underMachine(world: HostWorld, machine: TestMachine, count: number): Promise<TestLayers> {
    const layers = new TestLayers(world);
    await layers.putUnder(machine, count);
    return layers;
  }

  /** Does what underMachine says. */
  async putUnder(machine: TestMachine, count: number): Promise<void> {
    if ((await this.world.virsh('domstate', 'g1')).trim() !== 'shut off') await this.world.virsh('destroy', 'g1');
    await this.makeChain(count);
    await this.make(count, count - 2, [{ block: 2, count: 3, byte: 55 }]);
    await this.attach(machine, count - 1);
    await this.world.virsh('start', '--paused', 'g1');
  }

  fileName(layer: number): string {
    return `volume-${this.volumeId}.${layer}.qcow2`;
  }

  path(layer: number): string {
    return join(this.place.dir, this.fileName(layer));
  }

  link(layer: number): MergeBody['chain'][number] {
    return { pool: this.place.pool, fileName: this.fileName(layer), format: this.formatOf(layer) };
  }

  /** Makes a layer, over another or alone, and writes into it. */
  async make(layer: number, over: number | null, writes: readonly Write[]): Promise<void> {
    const backing = over === null ? [] : ['-u', '-F', this.formatOf(over), '-b', this.nameOf(over)];
    await this.qemu('qemu-img', ['create', '-q', '-f', 'qcow2', ...backing, this.path(layer), String(this.blocks * BLOCK_BYTES)]);
    this.over.set(layer, over);
    this.views.set(layer, over === null ? Array.from({ length: this.blocks }, () => 0) : [...this.viewOf(over)]);
    if (writes.length > 0) await this.write(layer, writes);
  }

  /** Makes a raw layer, as an image that was adopted may be. */
  async makeRaw(layer: number, writes: readonly Write[]): Promise<void> {
    await this.qemu('qemu-img', ['create', '-q', '-f', 'raw', this.path(layer), String(this.blocks * BLOCK_BYTES)]);
    this.raw.add(layer);
    this.over.set(layer, null);
    this.views.set(
      layer,
      Array.from({ length: this.blocks }, () => 0),
    );
    await this.write(layer, writes);
  }

  /** Gives a layer another size, in blocks; what is new shows zeros. */
  async resize(layer: number, blocks: number): Promise<void> {
    const shrink = blocks < this.viewOf(layer).length ? ['--shrink'] : [];
    await this.qemu('qemu-img', ['resize', '-q', ...shrink, '-f', this.formatOf(layer), this.path(layer), String(blocks * BLOCK_BYTES)]);
    this.views.set(
      layer,
      Array.from({ length: blocks }, (_unused, block) => this.viewOf(layer)[block] ?? 0),
    );
  }

  /** A chain from the root up: layer n is written full of n + 1 where it is written, and every layer in places of its own and of others. */
  async makeChain(length: number): Promise<void> {
    for (let layer = 0; layer < length; layer += 1) await this.make(layer, layer === 0 ? null : layer - 1, patternOf(layer));
  }

  async write(layer: number, writes: readonly Write[]): Promise<void> {
    const commands = writes.flatMap(({ block, count, byte }) => [
      '-c',
      `write ${byte === 0 ? '-z' : `-P ${byte}`} ${block * BLOCK_BYTES} ${count * BLOCK_BYTES}`,
    ]);
    await this.qemu('qemu-io', ['-f', this.formatOf(layer), ...commands, this.path(layer)]);
    this.wrote(layer, writes);
  }

  /** Writes as a guest would: through the first disk of a running machine, which is on that layer. */
  async writeLive(machine: TestMachine, layer: number, writes: readonly Write[]): Promise<void> {
    const commands = writes.map(({ block, count, byte }) => `write -P ${byte} ${block * BLOCK_BYTES} ${count * BLOCK_BYTES}`);
    // Flushed, so that others than this QEMU see it in the file.
    for (const command of [...commands, 'flush']) {
      const asked = `qemu-io -d /machine/peripheral/virtio-disk0/virtio-backend "${command}"`;
      const said = await this.world.virsh('qemu-monitor-command', machine.name, '--hmp', asked);
      // What qemu-io says of a write goes to QEMU's own output; only an error comes here.
      if (said.trim() !== '') throw new Error(`QEMU did not write: ${said}`);
    }
    this.wrote(layer, writes);
  }

  /** Somebody else wrote a layer, a guest for instance. */
  wrote(layer: number, writes: readonly Write[]): void {
    const view = this.viewOf(layer);
    for (const { block, count, byte } of writes) view.fill(byte, block, block + count);
  }

  /** The first layers down to the root, head first. */
  chainOf(layer: number): number[] {
    const below = this.over.get(layer) ?? null;
    return below === null ? [layer] : [layer, ...this.chainOf(below)];
  }

  /** What the merge of a run makes true, for what follows: the target shows what the reader showed, over what was below the run. */
  recordMerge(run: readonly number[], into: number, readers: readonly number[]): void {
    const reader = run[0] ?? 0;
    const bottom = run.at(-1) ?? 0;
    this.views.set(into, this.viewOf(reader));
    this.over.set(into, this.over.get(bottom) ?? null);
    if (into !== reader) for (const each of readers) this.over.set(each, into);
  }

  /** The command for a run, the reader first. */
  merge(run: readonly number[], into: number, changes: Partial<MergeBody> = {}): MergeBody {
    const chain = this.chainOf(run[0] ?? 0).map((layer) => this.link(layer));
    return {
      verb: 'merge-layers',
      machineUuid: randomUUID(),
      volumeId: this.volumeId,
      how: 'OFFLINE',
      target: null,
      above: [],
      chain,
      runLength: run.length,
      into: run.indexOf(into),
      readers: [],
      bytesPerSecond: null,
      ...changes,
    };
  }

  /** Reads a layer's whole view back from its files and checks the layer itself. `isOpen`: a machine has it open. */
  async requireView(layer: number, isOpen = false): Promise<void> {
    const share = isOpen ? ['-U'] : [];
    const commands = runsOf(this.viewOf(layer)).flatMap(({ block, count, byte }) => [
      '-c',
      `read -P ${byte} ${block * BLOCK_BYTES} ${count * BLOCK_BYTES}`,
    ]);
    const { stdout } = await this.qemu('qemu-io', ['-r', ...share, '-f', this.formatOf(layer), ...commands, this.path(layer)]);
    if (stdout.includes('Pattern verification failed')) throw new Error(`layer ${layer} shows something else:\n${stdout.slice(0, 2000)}`);
    // A leak (3) is what a crash may leave; anything else is damage.
    if (!isOpen && !this.raw.has(layer)) await this.check(layer);
  }

  private async check(layer: number): Promise<void> {
    const { stdout } = await this.qemu('qemu-img', ['check', '--output=json', '-f', 'qcow2', this.path(layer)]).catch((error: unknown) => {
      if (String(error).includes('exit code 3')) return { stdout: '' };
      throw error;
    });
    if (/"(corruptions|check-errors)": [1-9]/.test(stdout)) throw new Error(`layer ${layer} is damaged: ${stdout}`);
  }

  /** Lets the header of a layer name another below it, without a change of data; the model keeps what was. */
  async lie(layer: number, over: number): Promise<void> {
    const argv = ['rebase', '-u', '-f', 'qcow2', '-F', this.formatOf(over), '-b', this.nameOf(over), this.path(layer)];
    await this.qemu('qemu-img', argv);
  }

  /** A persistent dirty bitmap that records what is written from now on. */
  async addBitmap(layer: number, name: string): Promise<void> {
    await this.qemu('qemu-img', ['bitmap', '--add', '-g', String(BLOCK_BYTES), '-f', 'qcow2', this.path(layer), name]);
  }

  /** The blocks that a bitmap has as dirty. */
  async dirtyBlocks(layer: number, name: string): Promise<number[]> {
    const server = ['[', 'qemu-nbd', '-r', '-f', 'qcow2', '-B', name, this.path(layer), ']'];
    const { stdout } = await this.qemu('nbdinfo', [`--map=qemu:dirty-bitmap:${name}`, '--json', '--', ...server]);
    const ranges = z.array(z.object({ offset: z.int(), length: z.int(), type: z.int() })).parse(JSON.parse(stdout));
    return ranges
      .filter(({ type }) => type === 1)
      .flatMap(({ offset, length }) => Array.from({ length: length / BLOCK_BYTES }, (_unused, index) => offset / BLOCK_BYTES + index));
  }

  /** Puts a machine that is off on a layer, as its first disk. */
  async attach(machine: TestMachine, layer: number): Promise<void> {
    const xml = await this.world.virsh('dumpxml', machine.name, '--inactive');
    const file = join(this.world.dir, `${machine.name}.xml`);
    const stripped = xml.replace(/<backingStore[^]*?<\/backingStore>\s*(?=<target)|<backingStore[^>]*\/>/g, '');
    await writeFile(file, stripped.replace(/(<source file=')[^']*('[^>]*>\s*<target dev='vda')/, `$1${this.path(layer)}$2`));
    await this.world.virsh('define', file);
  }

  private nameOf(layer: number): string {
    const path = this.path(layer);
    return this.place.nameOf?.(path) ?? path;
  }

  private formatOf(layer: number): 'qcow2' | 'raw' {
    return this.raw.has(layer) ? 'raw' : 'qcow2';
  }

  private viewOf(layer: number): number[] {
    const view = this.views.get(layer);
    if (view === undefined) throw new Error(`there is no layer ${layer}`);
    return view;
  }

  private qemu(program: string, argv: readonly string[]): Promise<{ stdout: string }> {
    return runProgram(program, argv, { deadlineMs: DEADLINE_MS });
  }
}

/** Every layer writes a place that all write, one that its neighbours write too, one of its own, and zeros over a part of the layer below. */
function patternOf(layer: number): Write[] {
  const byte = layer + 1;
  return [
    { block: 0, count: 8, byte },
    { block: 20 + layer * 4, count: 8, byte },
    { block: 100 + layer * 20, count: 16, byte },
    { block: 100 + (layer - 1) * 20, count: layer === 0 ? 1 : 3, byte: layer === 0 ? byte : 0 },
  ];
}

function runsOf(view: readonly number[]): Write[] {
  const runs: Write[] = [];
  for (const [block, byte] of view.entries()) {
    const last = runs.at(-1);
    if (last?.byte === byte) runs[runs.length - 1] = { ...last, count: last.count + 1 };
    else runs.push({ block, count: 1, byte });
  }
  return runs;
}
