import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { HypervisorLost } from '../../failure.js';
import { callAnswers, type CallAnswer, type CallArguments, type CallName, childMessage, type ChildMessage } from './calls.js';
import { errorFor } from './errors.js';

const CHILD = fileURLToPath(new URL('./libvirt-child.js', import.meta.url));
const RESTART_MS = { first: 100, longest: 5000 } as const;
/** Calls that may hang at once before the child is ended and started anew; two threads stay for what still answers. */
const MAX_OVERDUE_CALLS = 6;

interface PendingCall {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly doing: string;
  isOverdue: boolean;
}

/** How one call is to be made: `doing` completes "asked to …" in errors. */
export interface CallOptions {
  readonly doing: string;
  readonly deadlineMs: number;
}

/** The agent's end of its libvirt child: starts it, starts it again when it dies, and keeps a deadline on every call. */
export class ChildLink {
  private child: ChildProcess | undefined;
  private restart: NodeJS.Timeout | undefined;
  private restartPauseMs: number = RESTART_MS.first;
  private isClosed = false;
  private lastId = 0;
  private readonly pending = new Map<number, PendingCall>();

  constructor(
    private readonly uri: string,
    private readonly log: Logger,
    private readonly onNews: (message: ChildMessage) => void,
  ) {}

  start(): void {
    const child = fork(CHILD, [this.uri], { serialization: 'json', stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
    this.child = child;
    child.on('message', (message) => this.receive(message));
    child.on('error', (error) => this.log.error({ err: error }, 'the libvirt child could not be started or reached'));
    child.once('exit', (code, signal) => this.childEnded(child, `exit code ${code ?? '-'}, signal ${signal ?? '-'}`));
  }

  /** Throws CommandProblem, or HypervisorLost when nobody knows whether it was done. */
  async call<Name extends CallName>(name: Name, argument: CallArguments[Name], options: CallOptions): Promise<CallAnswer<Name>> {
    const child = this.child;
    if (child?.connected !== true) throw new HypervisorLost(`the libvirt child is not running, asked to ${options.doing}`);
    this.lastId += 1;
    const id = this.lastId;
    const answered = new Promise<unknown>((resolve, reject) => {
      this.pending.set(id, { resolve, reject, doing: options.doing, isOverdue: false });
    });
    const deadline = setTimeout(() => this.overdue(id, options), options.deadlineMs);
    child.send({ id, name, argument });
    try {
      return callAnswers[name].parse(await answered) as CallAnswer<Name>;
    } finally {
      clearTimeout(deadline);
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.restart);
    const child = this.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  private receive(message: unknown): void {
    const news = childMessage.parse(message);
    if (news.kind === 'connected') this.restartPauseMs = RESTART_MS.first;
    if (news.kind !== 'answer' && news.kind !== 'problem') return this.onNews(news);
    const call = this.pending.get(news.id);
    this.pending.delete(news.id);
    if (news.kind === 'answer') call?.resolve(news.answer);
    else call?.reject(errorFor(news.problem, call.doing));
  }

  /** The call stays in the list: its thread is still taken. */
  private overdue(id: number, { doing, deadlineMs }: CallOptions): void {
    const call = this.pending.get(id);
    if (call === undefined) return;
    call.isOverdue = true;
    call.reject(new HypervisorLost(`libvirt did not answer within ${deadlineMs} ms when asked to ${doing}`));
    const overdue = [...this.pending.values()].filter((pending) => pending.isOverdue).length;
    this.log.warn({ doing, deadlineMs, overdue }, 'a libvirt call hangs');
    if (overdue >= MAX_OVERDUE_CALLS) this.child?.kill('SIGKILL');
  }

  private childEnded(child: ChildProcess, how: string): void {
    if (this.child !== child) return;
    this.child = undefined;
    for (const call of this.pending.values())
      call.reject(new HypervisorLost(`the libvirt child ended (${how}) when asked to ${call.doing}`));
    this.pending.clear();
    this.onNews({ kind: 'closed', reason: `the libvirt child ended: ${how}` });
    if (this.isClosed) return;
    this.log.warn({ how, pauseMs: this.restartPauseMs }, 'the libvirt child ended and is started again');
    this.restart = setTimeout(() => this.start(), this.restartPauseMs);
    this.restartPauseMs = Math.min(this.restartPauseMs * 2, RESTART_MS.longest);
  }
}
