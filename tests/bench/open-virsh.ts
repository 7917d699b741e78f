import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

const PROMPT = 'virsh # ';

/** libvirt's own client on a connection that stays open: the anchor without the start of a process. */
export class OpenVirsh {
  private readonly child: ChildProcessWithoutNullStreams;
  private output = '';
  private onOutput: () => void = () => undefined;

  constructor(libvirtUri: string) {
    this.child = spawn('virsh', ['-q', '-c', libvirtUri], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        this.output += text;
        this.onOutput();
      });
    }
  }

  /** Runs one command; words must need no quotes. Resolves with what was printed. */
  async run(...words: string[]): Promise<string> {
    const marker = `done-${process.hrtime.bigint()}`;
    this.output = '';
    const finished = new Promise<string>((resolve) => {
      this.onOutput = () => {
        if (this.output.includes(`${marker}\n`)) resolve(this.output.replaceAll(PROMPT, ''));
      };
    });
    this.child.stdin.write(`${words.join(' ')}\necho ${marker}\n`);
    const printed = await finished;
    if (printed.includes('error:')) throw new Error(printed);
    return printed;
  }

  close(): void {
    this.child.stdin.end('quit\n');
  }
}
