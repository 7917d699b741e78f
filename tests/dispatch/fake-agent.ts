import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import {
  type AgentMessage,
  type ApiMessage,
  type CommandFailure,
  type CommandIssued,
  type CommandOutcome,
  type CommandVerb,
  type CommandResult,
  encodeMessage,
  type Hello,
  type InventoryMachine,
  parseApiMessage,
  PROTOCOL_VERSION,
  signedText,
  type Welcomed,
} from '@coppice/protocol';
import { encodeExtents } from '@coppice/snapshot-tree';
import { WebSocket } from 'ws';
import { waitUntil } from '../testkit/wait-until.js';
import { carryOutOnMachine } from './fake-machine-verbs.js';
import { flattenLayer, mergeLayers } from './fake-merge.js';
import { definitionOf, switchHeads } from './fake-switch.js';

type Refused = Extract<ApiMessage, { type: 'session.refused' }>;
/** What the agent does with a command: answers it, or keeps it for the test. */
export type Behaviour = (command: CommandIssued) => CommandOutcome | null;

/** Speaks the protocol over a real socket, with a key and a journal, and pretends to have machines with chains of files. */
export class FakeAgent {
  readonly name: string;
  hostId: string | null = null;
  welcomed: Welcomed | null = null;
  refused: Refused | null = null;
  /** Of the newest socket; null while it is open. */
  closeCode: number | null = null;
  /** Of all sockets, in the order in which they were closed. */
  readonly closeCodes: number[] = [];
  journalId: string = randomUUID();
  position = 1;
  /** Where other hosts reach its libvirt. */
  protocolVersion: number = PROTOCOL_VERSION;
  migrationUri: string | null = null;
  /** What it says that it can do. */
  capabilities: Hello['capabilities'] = [];
  highest: { incarnation: string; number: number } | null = null;
  /** Every command as it came, repeats included. */
  readonly received: CommandIssued[] = [];
  readonly acknowledged: number[] = [];
  readonly inventoryRequests: (string | null)[] = [];
  /** Where a layer holds data, as ranges from 0 on in bytes; null: it is not answered. */
  measure: (fileName: string) => number | null = () => null;
  /** Commands that it was asked to stop, as often as it was asked. */
  readonly cancelRequests: string[] = [];
  readonly machines = new Map<string, InventoryMachine>();
  behave: Behaviour = (command) => ({ kind: 'done', result: this.carryOut(command) });
  readonly #key = generateKeyPairSync('ed25519');
  #socket: WebSocket | null = null;

  constructor(name: string) {
    this.name = name;
  }

  /** From now on it answers every command of this verb so (null: not at all), and carries out the others. Returns how it behaved before. */
  answerTo(verb: CommandVerb, outcome: ReturnType<Behaviour>): Behaviour {
    const before = this.behave;
    this.behave = (command) => (command.body.verb === verb ? outcome : before(command));
    return before;
  }

  async enrol(url: string, token: string): Promise<void> {
    const publicKey = this.#key.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const subject = createHash('sha256').update(token).digest('hex');
    await this.#open(url, (nonce) => ({ kind: 'enrol', token, publicKey, signature: this.#sign(nonce, subject) }));
  }

  async connect(url: string): Promise<void> {
    const hostId = this.hostId;
    if (hostId === null) throw new Error(`${this.name} has not enrolled`);
    await this.#open(url, (nonce) => ({ kind: 'known', hostId, signature: this.#sign(nonce, hostId) }));
  }

  disconnect(): void {
    this.#socket?.terminate();
    this.#socket = null;
  }

  say(message: AgentMessage): void {
    this.#socket?.send(encodeMessage(message));
  }

  /** Adds a stopped-or-running machine with two disks whose bases are named as ours are. */
  addMachine(name: string): string {
    const uuid = randomUUID();
    const disk = (target: string) => {
      const volumeId = randomUUID();
      const fileName = `volume-${volumeId}.0.qcow2`;
      const base = { pool: 'pool', fileName, format: 'qcow2', virtualBytes: 1 << 30, allocatedBytes: 1 << 20, internalSnapshots: 0 };
      return { target, device: 'disk' as const, readOnly: false, serial: null, chain: [base], persistentFileName: null, problem: null };
    };
    this.machines.set(uuid, {
      uuid,
      name,
      power: 'ON',
      persistent: true,
      autostart: false,
      vcpus: 2,
      memoryBytes: 256 * 1024 * 1024,
      guestAgent: 'CONNECTED',
      hasManagedSave: false,
      libvirtSnapshots: [],
      checkpoints: [],
      disks: [disk('vda'), disk('vdb')],
    });
    return uuid;
  }

  machine(uuid: string): InventoryMachine {
    const machine = this.machines.get(uuid);
    if (!machine) throw new Error(`${this.name} has no machine ${uuid}`);
    return machine;
  }

  async sendInventory(position = this.position): Promise<void> {
    const pool = { name: 'pool', type: 'SHARED_MOUNT_POINT' as const, capacityBytes: 1e12, availableBytes: 5e11, problem: null };
    this.say({ type: 'inventory.pools-seen', pools: [pool] });
    for (const machine of this.machines.values()) {
      this.say({ type: 'inventory.machine-seen', position, takenAt: new Date().toISOString(), machine });
    }
    this.say({ type: 'inventory.completed', position, machineUuids: [...this.machines.keys()] });
  }

  /** Does to the pretended chains what the command asks, once per command, and answers what it did. */
  carryOut(command: CommandIssued): CommandResult {
    const { body } = command;
    switch (body.verb) {
      case 'create-layers':
        return {
          verb: body.verb,
          layers: body.volumes.map(({ volumeId, newFileName }) => ({ volumeId, fileName: newFileName, allocatedBytes: 196_616 })),
        };
      case 'discard-layers':
        return { verb: body.verb, discarded: body.layers.map((layer) => layer.fileName) };
      case 'freeze-layers':
        return this.#freeze(body);
      case 'switch-heads':
        return switchHeads(this.machine(body.machineUuid), body);
      case 'flatten-layer':
        return flattenLayer(this.machine(body.machineUuid), body);
      case 'merge-layers':
        return mergeLayers(this.machine(body.machineUuid), body);
      default: {
        const result = carryOutOnMachine(this.machines, body);
        if (!result) throw new Error(`no such verb or machine: ${JSON.stringify(body)}`);
        return result;
      }
    }
  }

  /** Reports the end of a command from a place of its own in the journal. */
  finish(command: CommandIssued, outcome: CommandOutcome, position = (this.position += 1)): void {
    this.say({ type: 'command.finished', commandId: command.id, position, outcome, at: new Date().toISOString() });
  }

  /** Waits for the n-th command (from 1). */
  async nthCommand(n: number): Promise<CommandIssued> {
    return waitUntil(`command ${n} of ${this.name}`, () => this.received[n - 1]);
  }

  #freeze(body: Extract<CommandIssued['body'], { verb: 'freeze-layers' }>): CommandResult {
    const machine = this.machine(body.machineUuid);
    for (const volume of body.volumes) {
      const disk = machine.disks.find((one) => one.target === volume.target);
      const head = {
        pool: volume.pool,
        fileName: volume.newFileName,
        format: 'qcow2',
        virtualBytes: 1 << 30,
        allocatedBytes: 196_616,
        internalSnapshots: 0,
      };
      if (!disk || disk.chain[0]?.fileName === volume.newFileName) continue;
      const [frozen, ...rest] = disk.chain;
      disk.chain = [head, ...(frozen ? [{ ...frozen, allocatedBytes: 2 << 20 }] : []), ...rest];
    }
    return {
      verb: body.verb,
      consistency: body.memory ? 'MEMORY' : body.power === 'OFF' ? 'OFFLINE' : body.quiesce ? 'FILESYSTEM' : 'CRASH',
      frozenAt: new Date().toISOString(),
      quiescedMs: body.quiesce ? 40 : null,
      definition: definitionOf(machine),
      memoryBytes: body.memory ? machine.memoryBytes / 2 : null,
      hasNvram: false,
      volumes: body.volumes.map(({ volumeId, newFileName, chain }) => ({
        volumeId,
        frozen: { fileName: chain[0]?.fileName ?? '', allocatedBytes: 2 << 20 },
        head: { fileName: newFileName, allocatedBytes: 196_616 },
      })),
    };
  }

  #receive(message: ApiMessage): void {
    switch (message.type) {
      case 'command.issued': {
        this.received.push(message);
        this.highest = { incarnation: message.incarnation, number: message.number };
        const outcome = this.behave(message);
        if (outcome) this.finish(message, outcome);
        return;
      }
      case 'report.acknowledged':
        this.acknowledged.push(message.position);
        return;
      case 'inventory.requested':
        this.inventoryRequests.push(message.machineUuid);
        void this.sendInventory();
        return;
      case 'layers.measure-requested':
        this.#answerMeasure(message);
        return;
      case 'command.cancel-requested':
        this.cancelRequests.push(message.commandId);
        return;
      case 'session.heartbeat':
        this.say({ type: 'session.heartbeat', at: new Date().toISOString() });
        return;
      case 'session.welcomed':
        this.welcomed = message;
        this.hostId = message.hostId;
        return;
      case 'session.refused':
        this.refused = message;
        return;
      case 'session.challenged':
    }
  }

  #answerMeasure({ requestId, layers }: Extract<ApiMessage, { type: 'layers.measure-requested' }>): void {
    const measured = layers.flatMap(({ pool, fileName }) => {
      const bytes = this.measure(fileName);
      return bytes === null ? [] : [{ pool, fileName, allocatedBytes: bytes, dataMap: encodeExtents(bytes === 0 ? [] : [[0, bytes]]) }];
    });
    this.say({ type: 'layers.measured', requestId, layers: measured });
  }

  async #open(url: string, identify: (nonce: string) => Hello['identity']): Promise<void> {
    this.welcomed = null;
    this.refused = null;
    this.closeCode = null;
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const parsed = parseApiMessage(data.toString());
      if (!parsed.ok) throw new Error(parsed.problem);
      if (parsed.message.type === 'session.challenged') this.#hello(identify(parsed.message.nonce));
      else this.#receive(parsed.message);
    });
    socket.on('close', (code) => {
      this.closeCodes.push(code);
      if (this.#socket === socket) this.closeCode = code;
    });
    socket.on('error', () => undefined);
    await waitUntil(
      `${this.name} has an answer to its hello`,
      () => this.welcomed !== null || this.refused !== null || this.closeCode !== null,
    );
  }

  #hello(identity: Hello['identity']): void {
    this.say({
      type: 'session.hello',
      protocolVersion: this.protocolVersion,
      identity,
      hostName: this.name,
      agentVersion: '0.1.0',
      libvirtVersion: '9.0.0',
      qemuVersion: '7.2.22',
      capabilities: this.capabilities,
      migrationUri: this.migrationUri,
      journal: { id: this.journalId, position: this.position, highestCommand: this.highest, unfinished: [] },
      at: new Date().toISOString(),
    });
  }

  #sign(nonce: string, subject: string): string {
    return sign(null, Buffer.from(signedText(nonce, subject)), this.#key.privateKey).toString('base64');
  }
}

/** A failure as agents report it. */
export function failure(code: CommandFailure['code'], message: string): CommandOutcome {
  return { kind: 'failed', failure: { code, message, retryable: true, hint: null, detail: null }, left: 'NOTHING' };
}
