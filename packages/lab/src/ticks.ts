import { connect, type Socket } from 'node:net';

/** One round of a guest's writer. `gapUs`: guest time since the round before; `receivedMs`: our clock (performance.now), so a stopped guest shows as a gap. */
export interface Tick {
  readonly n: number;
  readonly bootId: string;
  readonly mem: number;
  readonly aUs: number;
  readonly bUs: number;
  readonly gapUs: number;
  readonly hasError: boolean;
  readonly receivedMs: number;
}

/** Ticks kept; the oldest go first. Half an hour at 20 ms. */
const MAX_TICKS = 100_000;

/** Reads one line of the writer, undefined if it is not a tick (its START line, or a line cut by a reconnect). */
export function parseTick(line: string, receivedMs: number): Tick | undefined {
  const match = /^T (\d+) boot=([0-9a-f]{6}) mem=(\d+) a=(\d+)us b=(\d+)us gap=(\d+)us(.*)$/.exec(line);
  if (match === null) return undefined;
  const [, n, bootId, mem, aUs, bUs, gapUs, rest] = match;
  return {
    n: Number(n),
    bootId: bootId ?? '',
    mem: Number(mem),
    aUs: Number(aUs),
    bUs: Number(bUs),
    gapUs: Number(gapUs),
    hasError: rest !== '',
    receivedMs,
  };
}

/** Listens to a guest's writer for as long as wanted. One listener per guest at a time: QEMU serves one connection. */
export class TickListener {
  readonly ticks: Tick[] = [];
  private readonly socketPath: string;
  private socket: Socket | undefined;
  private unread = '';
  private readonly waiting = new Set<() => void>();

  private constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  /** Connects to a tick socket (tickSocketOf); rejects if no guest listens there. */
  static async open(socketPath: string): Promise<TickListener> {
    const listener = new TickListener(socketPath);
    const socket = connect(socketPath);
    listener.socket = socket;
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', reject);
    });
    socket.on('error', () => socket.destroy());
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => listener.receive(text));
    return listener;
  }

  /** The next `count` ticks from now on. Rejects after `deadlineMs`. */
  next(count: number, deadlineMs = 30_000): Promise<readonly Tick[]> {
    const received: Tick[] = [];
    let seen = this.ticks.length;
    return new Promise((resolve, reject) => {
      const check = (): void => {
        seen = Math.min(seen, this.ticks.length);
        received.push(...this.ticks.slice(seen));
        seen = this.ticks.length;
        if (received.length < count) return;
        clearTimeout(timer);
        this.waiting.delete(check);
        resolve(received.slice(0, count));
      };
      const timer = setTimeout(() => {
        this.waiting.delete(check);
        reject(new Error(`${this.socketPath}: ${received.length} of ${count} ticks within ${deadlineMs} ms`));
      }, deadlineMs);
      this.waiting.add(check);
    });
  }

  /** The longest time between two ticks as this process saw them, in ms, of all kept or of those since `sinceMs` (performance.now). */
  longestGapMs(sinceMs = 0): number {
    const times = this.ticks.filter((tick) => tick.receivedMs >= sinceMs).map((tick) => tick.receivedMs);
    return times.reduce((longest, time, index) => Math.max(longest, index === 0 ? 0 : time - (times[index - 1] ?? time)), 0);
  }

  close(): void {
    this.socket?.destroy();
  }

  private receive(text: string): void {
    const receivedMs = performance.now();
    const lines = (this.unread + text).split('\n');
    this.unread = lines.pop() ?? '';
    for (const line of lines) {
      const tick = parseTick(line, receivedMs);
      if (tick !== undefined) this.ticks.push(tick);
    }
    for (const check of this.waiting) check();
    if (this.ticks.length > MAX_TICKS) this.ticks.splice(0, this.ticks.length - MAX_TICKS);
  }
}
