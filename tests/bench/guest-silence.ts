import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const RECORDER = fileURLToPath(new URL('./tick-recorder.mjs', import.meta.url));

/** How long the writer of one guest is silent, as its recorder hears it (tick-recorder.mjs). Needs root, for the recorder's priority. */
export class GuestSilence {
  private constructor(
    private readonly recorder: ChildProcess,
    private readonly lines: AsyncIterator<string>,
  ) {}

  /** Connects to the guest's tick socket; resolves when it listens. */
  static async listen(tickSocket: string): Promise<GuestSilence> {
    const recorder = spawn('chrt', ['--fifo', '10', process.execPath, RECORDER, tickSocket], { stdio: ['pipe', 'pipe', 'inherit'] });
    const silence = new GuestSilence(recorder, createInterface({ input: recorder.stdout })[Symbol.asyncIterator]());
    await silence.nextLine();
    return silence;
  }

  /** From now on. */
  mark(): void {
    this.recorder.stdin?.write('mark\n');
  }

  /** The longest silence since the mark, in milliseconds. */
  async longestMs(): Promise<number> {
    this.recorder.stdin?.write('report\n');
    return Number(await this.nextLine());
  }

  close(): void {
    this.recorder.stdin?.end();
  }

  private async nextLine(): Promise<string> {
    const line = await this.lines.next();
    if (line.done === true) throw new Error('the recorder of a guest has ended');
    return line.value;
  }
}
