import type { Duplex } from 'node:stream';
import { z } from 'zod';

/** An answer of QEMU is a few KiB; more without a line feed is none. */
const MAX_LINE_CHARACTERS = 4 * 1024 * 1024;

const qmpMessage = z.union([
  z.object({ id: z.int(), return: z.unknown() }),
  z.object({ id: z.int(), error: z.object({ class: z.string(), desc: z.string() }) }),
  z.object({ event: z.string() }),
  z.object({ QMP: z.unknown() }),
]);

/** QEMU refused a command; the message is its own. */
export class QmpRefusal extends Error {
  override readonly name = 'QmpRefusal';
}

/** The process at the other end is gone, or does not answer: what it did is not known. */
export class QmpLost extends Error {
  override readonly name = 'QmpLost';
}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** One conversation in QEMU's machine protocol. Events are not kept: whoever wants to know asks. */
export class QmpSocket {
  private rest = '';
  private lastId = 0;
  private lost: QmpLost | null = null;
  private readonly waiting = new Map<number, Waiting>();

  constructor(private readonly socket: Duplex) {
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.receive(text));
    socket.on('error', (error) => this.lose(new QmpLost(`the connection to QEMU broke: ${error.message}`)));
    socket.on('close', () => this.lose(new QmpLost('QEMU closed its connection')));
  }

  /** The answer's `return`. Throws QmpRefusal, or QmpLost where nobody knows whether it was done. */
  async execute(command: string, argument: Record<string, unknown>, deadlineMs: number): Promise<unknown> {
    if (this.lost !== null) throw this.lost;
    this.lastId += 1;
    const id = this.lastId;
    const answered = new Promise<unknown>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
    });
    const late = setTimeout(() => this.lose(new QmpLost(`QEMU did not answer ${command} within ${deadlineMs} ms`)), deadlineMs);
    this.socket.write(`${JSON.stringify({ execute: command, arguments: argument, id })}\n`);
    try {
      return await answered;
    } finally {
      clearTimeout(late);
    }
  }

  private receive(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    if (this.rest.length > MAX_LINE_CHARACTERS) return this.lose(new QmpLost('QEMU sent a line without end'));
    for (const line of lines) if (line.trim() !== '') this.receiveLine(line);
  }

  private receiveLine(line: string): void {
    const message = qmpMessage.safeParse(parsed(line));
    if (!message.success) return this.lose(new QmpLost(`QEMU sent what is no QMP: ${line.slice(0, 200)}`));
    if (!('id' in message.data)) return;
    const { data } = message;
    const waiting = this.waiting.get(data.id);
    this.waiting.delete(data.id);
    if ('error' in data) waiting?.reject(new QmpRefusal(data.error.desc));
    else waiting?.resolve(data.return);
  }

  private lose(why: QmpLost): void {
    this.lost ??= why;
    for (const { reject } of this.waiting.values()) reject(this.lost);
    this.waiting.clear();
    this.socket.destroy();
  }
}

/** Undefined for what is no JSON. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
