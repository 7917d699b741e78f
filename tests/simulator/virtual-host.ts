/**
 * One hypervisor in memory: does what each command of the protocol asks, one small step after the other, looking first at what is there, as
 * PROTOCOL.md says that agents do. Between two steps the guest writes on, and the agent may die. It holds every host to the invariants
 * while it acts: nothing is written but heads and what a merge was told to write, and nothing is discarded that anybody reads.
 */
import type { CommandBody, CommandResult } from '@coppice/protocol';
import type { VirtualMachine } from './virtual-machine.js';
import { CLUSTER_BYTES, CLUSTERS, type VirtualPool } from './virtual-pool.js';

/** What a command meets between two of its steps. Throws where the agent dies there, or the command was cancelled (`left`). */
export type Pause = (left?: 'NOTHING' | 'SPOILED') => Promise<void>;

/** A rule was broken: a bug of ours, never of the host. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** What the host refused, with nothing changed. */
export class HostRefusal extends Error {
  override readonly name = 'HostRefusal';
}

type Body<Verb extends CommandBody['verb']> = Extract<CommandBody, { verb: Verb }>;
type Link = { fileName: string };

/** A hypervisor in memory: it carries commands out on its pool, step by step, and keeps libvirt’s rules. */
export class VirtualHost {
  readonly machines = new Map<string, VirtualMachine>();
  /** By command: what each frozen volume read in the instant it was frozen, or each new head when it was switched to. */
  readonly moments = new Map<string, Map<string, number[]>>();
  /** Memory images by file name. */
  readonly memories = new Map<string, number>();
  /** Files by the command that made them. */
  readonly #made = new Map<string, Set<string>>();
  /** By merge whose bytes are copied: what its reader showed. */
  readonly #views = new Map<string, number[]>();

  constructor(readonly pool: VirtualPool) {}

  machine(uuid: string): VirtualMachine {
    const found = this.machines.get(uuid);
    if (!found) throw new HostRefusal(`there is no machine ${uuid}`);
    return found;
  }

  async execute(command: { id: string; body: CommandBody }, pause: Pause): Promise<CommandResult> {
    const { body } = command;
    await pause();
    switch (body.verb) {
      case 'create-layers':
        return this.#createLayers(command.id, body, pause);
      case 'freeze-layers':
        return this.#freezeLayers(command.id, body, pause);
      case 'switch-heads':
        return this.#switchHeads(command.id, body, pause);
      case 'merge-layers':
        return this.#mergeLayers(command.id, body, pause);
      case 'discard-layers':
        return this.#discardLayers(body, pause);
      case 'change-power': {
        const machine = this.machine(body.machineUuid);
        if (body.to === 'ON') machine.start();
        else machine.stop();
        return { verb: body.verb, power: machine.power };
      }
      default:
        throw new HostRefusal(`this host cannot ${body.verb}`);
    }
  }

  /** All or nothing: what it refuses leaves none of the files that it made, in this life of the agent or an earlier one. */
  async #createLayers(commandId: string, body: Body<'create-layers'>, pause: Pause): Promise<CommandResult> {
    const made = this.#made.get(commandId) ?? new Set<string>();
    this.#made.set(commandId, made);
    try {
      return await this.#makeOverlays(body, made, pause);
    } catch (error) {
      if (error instanceof HostRefusal) for (const name of made) this.pool.files.delete(name);
      throw error;
    }
  }

  async #makeOverlays(body: Body<'create-layers'>, made: Set<string>, pause: Pause): Promise<CommandResult> {
    const machine = this.machine(body.machineUuid);
    for (const { target, chain, newFileName, over } of body.volumes) {
      this.#expectChain(chain);
      const [backing] = chain;
      if (!backing) throw new Violation(`no chain for ${newFileName}`);
      if (over === 'HEAD' && this.#headOf(machine, target) !== backing.fileName)
        throw new HostRefusal(`${target} is on another file than ${backing.fileName}`);
      const found = this.pool.files.get(newFileName);
      if (found && (!made.has(newFileName) || found.backing !== backing.fileName || found.clusters.size > 0))
        throw new Violation(`${newFileName} is there already`);
      if (!found) this.pool.create(newFileName, { backing: backing.fileName, format: 'qcow2' });
      made.add(newFileName);
      await pause();
    }
    return {
      verb: body.verb,
      layers: body.volumes.map(({ volumeId, newFileName }) => ({ volumeId, fileName: newFileName, allocatedBytes: 0 })),
    };
  }

  async #freezeLayers(commandId: string, body: Body<'freeze-layers'>, pause: Pause): Promise<CommandResult> {
    const machine = this.machine(body.machineUuid);
    const isDone = body.volumes.every(({ target, newFileName }) => this.#headOf(machine, target) === newFileName);
    if (!isDone) {
      if (machine.power !== body.power) throw new HostRefusal(`the machine is ${machine.power}, not ${body.power}`);
      for (const { target, chain } of body.volumes) {
        if (this.#headOf(machine, target) !== chain[0]?.fileName) throw new HostRefusal(`${target} is not on ${chain[0]?.fileName}`);
      }
      this.moments.set(commandId, new Map(body.volumes.map(({ volumeId, chain }) => [volumeId, this.pool.read(chain[0]?.fileName ?? '')])));
      if (body.memory) this.memories.set(body.memory.fileName, machine.memory);
      for (const { target, newFileName } of body.volumes) {
        machine.definition.set(target, newFileName);
        machine.live?.set(target, newFileName);
      }
    }
    await pause();
    return {
      verb: body.verb,
      consistency: body.memory ? 'MEMORY' : machine.live === null ? 'OFFLINE' : body.quiesce ? 'FILESYSTEM' : 'CRASH',
      frozenAt: new Date().toISOString(),
      quiescedMs: null,
      definition: definitionOf(machine),
      memoryBytes: body.memory ? 1024 : null,
      hasNvram: false,
      volumes: body.volumes.map(({ volumeId, newFileName, chain }) => ({
        volumeId,
        frozen: { fileName: chain[0]?.fileName ?? '', allocatedBytes: 0 },
        head: { fileName: newFileName, allocatedBytes: 0 },
      })),
    };
  }

  async #switchHeads(commandId: string, body: Body<'switch-heads'>, pause: Pause): Promise<CommandResult> {
    const machine = this.machine(body.machineUuid);
    const definitionBefore = definitionOf(machine);
    const isDefined = body.volumes.every(({ target, newFileName }) => machine.definition.get(target) === newFileName);
    if (!isDefined) {
      for (const { chain } of body.volumes) this.#expectChain(chain);
      for (const { target, head } of body.before) {
        if (this.#headOf(machine, target) !== head.fileName) throw new HostRefusal(`${target} is not on ${head.fileName}`);
      }
      machine.stop();
      await pause();
      // Started by hand between stop and define it would be drift, which the agent's own tests show and only a person mends.
      machine.stop();
      // What a safety snapshot keeps is what was there when the machine had stopped.
      this.moments.set(commandId, new Map(body.before.map(({ volumeId, head }) => [volumeId, this.pool.read(head.fileName)])));
      for (const { target, newFileName } of body.volumes) machine.definition.set(target, newFileName);
    }
    await pause();
    const isFresh = body.volumes.every(({ newFileName }) => this.pool.file(newFileName).clusters.size === 0);
    if (body.memory && machine.live === null && isFresh) {
      machine.memory = this.memories.get(body.memory.file.fileName) ?? fail(`there is no memory ${body.memory.file.fileName}`);
      machine.start();
    } else if (body.start) machine.start();
    await pause();
    return {
      verb: body.verb,
      power: machine.power,
      switchedAt: new Date().toISOString(),
      definition: definitionOf(machine),
      definitionBefore,
      volumes: body.volumes.map(({ volumeId }) => ({ volumeId, allocatedBytes: 0 })),
    };
  }

  async #mergeLayers(commandId: string, body: Body<'merge-layers'>, pause: Pause): Promise<CommandResult> {
    const machine = this.machine(body.machineUuid);
    const run = body.chain.slice(0, body.runLength).map((link) => link.fileName);
    const [reader, target, below] = [run[0], run[body.into], body.chain[body.runLength]?.fileName ?? null];
    if (reader === undefined || target === undefined) throw new Violation('a merge of nothing');
    const isOpen = [...this.machines.values()].some((one) => [...(one.live?.values() ?? [])].some((head) => this.#reads(head, target)));
    if (body.how === 'OFFLINE' && isOpen) throw new HostRefusal(`${target} is open in a running machine`);
    if (body.how === 'LIVE' && machine.live === null) throw new HostRefusal('the machine does not run');
    const view = this.#views.get(commandId) ?? this.pool.read(reader);
    if (body.how === 'OFFLINE') for (const name of run) this.pool.locked.set(name, commandId);
    if (!this.#views.has(commandId)) {
      await this.#copy({ run, into: body.into, reader, target, isLive: body.how === 'LIVE', pause });
      this.pool.file(target).backing = below;
      // From here on only forward, also in the next life of the agent.
      this.#views.set(commandId, view);
    }
    if (target !== reader) await this.#repoint({ run, reader, target, pause });
    this.pool.unlock(commandId);
    const isWritten = [...this.machines.values()].some((one) => [...(one.live?.values() ?? [])].includes(target));
    if (!isWritten && this.pool.read(target).some((value, at) => value !== view[at]))
      throw new Violation(`${target} does not read as ${reader} did`);
    const { allocatedBytes = 0, dataMap = '' } = this.pool.measured(target) ?? {};
    return { verb: body.verb, bytesMoved: allocatedBytes, allocatedBytes, virtualBytes: CLUSTERS * CLUSTER_BYTES, dataMap };
  }

  /** Whoever read the reader reads the target: layers, and the definitions of machines that are off. */
  async #repoint({ run, reader, target, pause }: { run: string[]; reader: string; target: string; pause: Pause }): Promise<void> {
    for (const name of this.pool.readersOf(reader)) {
      if (!run.includes(name)) this.pool.file(name).backing = target;
      await pause();
    }
    for (const one of this.machines.values()) {
      for (const [disk, file] of one.definition) {
        if (file !== reader) continue;
        if (one.live !== null) throw new Violation(`${reader} is written by ${one.name} and was committed`);
        one.definition.set(disk, target);
      }
    }
  }

  /** What is above goes into the target, then what is below and not covered; a cluster a step, and the head may be written meanwhile. */
  async #copy(copied: { run: string[]; into: number; reader: string; target: string; isLive: boolean; pause: Pause }): Promise<void> {
    const { run, into, reader, target, pause } = copied;
    const clusters = this.pool.file(target).clusters;
    for (let at = 0; at < 8; at += 1) {
      const above = run.slice(0, into).find((name) => this.pool.file(name).clusters.has(at));
      const under = run.slice(into + 1).find((name) => this.pool.file(name).clusters.has(at));
      const from = above ?? (clusters.has(at) ? undefined : under);
      if (from === undefined) continue;
      await pause(target === reader ? 'NOTHING' : 'SPOILED');
      // The guest may have written this cluster of the head while we were about to copy it.
      if (above === undefined && clusters.has(at)) continue;
      clusters.set(at, this.pool.file(from).clusters.get(at) ?? 0);
    }
  }

  async #discardLayers(body: Body<'discard-layers'>, pause: Pause): Promise<CommandResult> {
    for (const { fileName } of body.layers) {
      if (this.pool.files.has(fileName)) {
        const readers = this.pool.readersOf(fileName).filter((name) => !body.layers.some((layer) => layer.fileName === name));
        // Garbage of an earlier work may still read it: as on a real host, no until that is gone.
        if (readers.length > 0) throw new HostRefusal(`${fileName} is read by ${readers.join(', ')}`);
        for (const machine of this.machines.values()) {
          const named = [...machine.definition.values(), ...(machine.live?.values() ?? [])];
          if (named.includes(fileName)) throw new Violation(`${fileName} is discarded and ${machine.name} is on it`);
        }
      }
    }
    for (const { fileName } of body.layers) {
      this.pool.files.delete(fileName);
      await pause();
    }
    for (const { fileName } of body.snapshotFiles) this.memories.delete(fileName);
    return { verb: body.verb, discarded: body.layers.map((layer) => layer.fileName) };
  }

  #headOf(machine: VirtualMachine, target: string): string | undefined {
    return (machine.live ?? machine.definition).get(target);
  }

  #reads(head: string, file: string): boolean {
    return this.pool.chain(head).includes(file);
  }

  #expectChain(chain: readonly Link[]): void {
    const [head] = chain;
    const actual = head && this.pool.files.has(head.fileName) ? this.pool.chain(head.fileName) : [];
    if (actual.join() !== chain.map((link) => link.fileName).join()) {
      throw new Violation(`a command expects ${chain.map((link) => link.fileName).join(' ← ')}, and there is ${actual.join(' ← ')}`);
    }
  }
}

function fail(message: string): never {
  throw new Violation(message);
}

function definitionOf(machine: VirtualMachine) {
  return {
    vcpus: 1,
    memoryBytes: 64 * 1024 * 1024,
    machineType: 'q35',
    firmware: null,
    disks: [...machine.definition.keys()],
    inactiveXml: '<domain/>',
    liveXml: machine.live === null ? null : '<domain/>',
  };
}
