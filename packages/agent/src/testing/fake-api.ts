/**
 * The API's end of the protocol for tests: a real WebSocket server that checks proofs, gives commands and keeps what it is told. No
 * database.
 */
import { createHash, createPublicKey, randomBytes, randomUUID, verify } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import {
  type AgentMessage,
  type ApiMessage,
  type CommandBody,
  type CommandFinished,
  type CommandIssued,
  encodeMessage,
  type Hello,
  parseAgentMessage,
  signedText,
} from '@coppice/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import { until } from './until.js';

/** See the file's head. Fields are there for tests to change. */
export class FakeApi {
  readonly token = randomBytes(24).toString('hex');
  readonly hostId = randomUUID();
  readonly incarnation = randomUUID();
  readonly heard: AgentMessage[] = [];
  readonly hellos: Hello[] = [];
  /** Commands by id in the order in which they were given. */
  readonly given = new Map<string, CommandIssued>();
  epoch = 0;
  acknowledged = 0;
  /** False: reports are taken and not acknowledged. */
  acknowledges = true;
  /** Set: the next sessions are refused with this code. */
  refuseWith: number | null = null;
  /** False: no heartbeats are sent. */
  beats = true;
  /** After how long a silence the agent gives a session up: as long as a busy machine may let this process wait. */
  heartbeatTimeoutMs = 60_000;
  publicKey: Buffer | null = null;
  private lastNumber = 0;
  private socket: WebSocket | null = null;
  private readonly beating: NodeJS.Timeout;

  private constructor(private readonly server: WebSocketServer) {
    server.on('connection', (socket) => this.greet(socket));
    this.beating = setInterval(() => {
      if (this.beats) this.send({ type: 'session.heartbeat', at: new Date().toISOString() });
    }, 300);
  }

  static async open(): Promise<FakeApi> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await new Promise((resolve) => server.once('listening', resolve));
    return new FakeApi(server);
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `ws://127.0.0.1:${port}/agent`;
  }

  get isConnected(): boolean {
    return this.socket !== null;
  }

  /** Messages of one type, oldest first. */
  all<Type extends AgentMessage['type']>(type: Type): Extract<AgentMessage, { type: Type }>[] {
    return this.heard.filter((message): message is Extract<AgentMessage, { type: Type }> => message.type === type);
  }

  /** Gives a command with the next number; the id and everything else may be chosen. */
  issue(body: CommandBody, changes: Partial<CommandIssued> = {}): CommandIssued {
    this.lastNumber += 1;
    const command: CommandIssued = {
      type: 'command.issued',
      id: randomUUID(),
      incarnation: this.incarnation,
      number: this.lastNumber,
      sessionEpoch: this.epoch,
      machineEpoch: 1,
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
      body,
      ...changes,
    };
    this.given.set(command.id, command);
    this.send(command);
    return command;
  }

  /** Sends a command again, in the present session. */
  repeat(command: CommandIssued): void {
    this.send({ ...command, sessionEpoch: this.epoch });
  }

  reportsOf(commandId: string): CommandFinished[] {
    return this.all('command.finished').filter((report) => report.commandId === commandId);
  }

  async finished(command: CommandIssued, deadlineMs = 120_000): Promise<CommandFinished> {
    return until(`the end of ${command.body.verb}`, () => this.reportsOf(command.id).at(-1), deadlineMs);
  }

  /** Gives a command and waits for its end. */
  async run(body: CommandBody, changes: Partial<CommandIssued> = {}): Promise<CommandFinished['outcome']> {
    return (await this.finished(this.issue(body, changes))).outcome;
  }

  async connected(): Promise<void> {
    await until('a session', () => this.isConnected);
  }

  send(message: ApiMessage): void {
    this.socket?.send(encodeMessage(message));
  }

  /** Cuts the session without a word. */
  cut(): void {
    this.socket?.terminate();
    this.socket = null;
  }

  /** Nothing happens if it is closed already. */
  async close(): Promise<void> {
    clearInterval(this.beating);
    for (const client of this.server.clients) client.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private greet(socket: WebSocket): void {
    const nonce = randomBytes(32).toString('base64');
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      if (this.socket === socket) this.socket = null;
    });
    socket.on('message', (data) => {
      const parsed = parseAgentMessage(Buffer.isBuffer(data) ? data.toString('utf8') : '');
      if (!parsed.ok) throw new Error(parsed.problem);
      if (parsed.message.type === 'session.hello') this.admit(socket, parsed.message, nonce);
      else this.hear(parsed.message);
    });
    socket.send(encodeMessage({ type: 'session.challenged', nonce, oldestProtocolVersion: 1, protocolVersion: 1 }));
  }

  private admit(socket: WebSocket, hello: Hello, nonce: string): void {
    this.hellos.push(hello);
    if (this.refuseWith !== null || !this.isProven(hello, nonce)) {
      const closeCode = this.refuseWith ?? 4401;
      socket.send(encodeMessage({ type: 'session.refused', closeCode, message: 'not you' }));
      socket.close(closeCode);
      return;
    }
    this.epoch += 1;
    this.socket = socket;
    this.send({
      type: 'session.welcomed',
      hostId: this.hostId,
      sessionEpoch: this.epoch,
      incarnation: this.incarnation,
      acknowledgedPosition: this.acknowledged,
      heartbeatIntervalMs: 300,
      heartbeatTimeoutMs: this.heartbeatTimeoutMs,
    });
  }

  private isProven({ identity }: Hello, nonce: string): boolean {
    if (identity.kind === 'enrol') this.publicKey ??= Buffer.from(identity.publicKey, 'base64');
    if (this.publicKey === null) return false;
    const subject = identity.kind === 'enrol' ? createHash('sha256').update(this.token).digest('hex') : this.hostId;
    const key = createPublicKey({ key: this.publicKey, format: 'der', type: 'spki' });
    return verify(null, Buffer.from(signedText(nonce, subject)), key, Buffer.from(identity.signature, 'base64'));
  }

  private hear(message: AgentMessage): void {
    this.heard.push(message);
    if (message.type !== 'command.finished' || !this.acknowledges) return;
    this.acknowledged = Math.max(this.acknowledged, message.position);
    this.send({ type: 'report.acknowledged', position: message.position });
  }
}
