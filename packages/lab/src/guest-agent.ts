import { ProgramError } from './run-program.js';
import { virsh } from './virsh.js';

const AGENT_TIMEOUT_S = 10;
const POLL_MS = 20;

/** What a program in the guest printed and how it ended. */
export interface GuestProgramResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Sends one command to the guest agent and returns its answer's `return` part. Throws ProgramError if no agent answers in 10 s. */
export async function guestAgentCommand(libvirtUri: string, name: string, command: object): Promise<unknown> {
  const argv = ['qemu-agent-command', name, '--timeout', String(AGENT_TIMEOUT_S), JSON.stringify(command)];
  const answer: unknown = JSON.parse(await virsh(libvirtUri, argv, (AGENT_TIMEOUT_S + 20) * 1000));
  if (!isRecord(answer) || !('return' in answer)) throw new Error(`the guest agent of ${name} answered without a result`);
  return answer['return'];
}

/** Whether the agent answers now. */
export async function pingGuestAgent(libvirtUri: string, name: string): Promise<boolean> {
  try {
    await guestAgentCommand(libvirtUri, name, { execute: 'guest-ping' });
    return true;
  } catch (error) {
    if (error instanceof ProgramError) return false;
    throw error;
  }
}

/** libvirt greets the agent before each command, and gives that up after five seconds: on a busy machine it is greeted again. */
const GREETING_DEADLINE_MS = 60_000;

/** Asks again while nobody answers; for questions that may be asked twice. */
export async function askGuestAgent(libvirtUri: string, name: string, command: object): Promise<unknown> {
  const deadline = performance.now() + GREETING_DEADLINE_MS;
  for (;;) {
    try {
      return await guestAgentCommand(libvirtUri, name, command);
    } catch (error) {
      const isSilent = error instanceof ProgramError && /agent is not (responding|connected)|not available for now/i.test(error.stderr);
      if (!isSilent || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

/** Runs a program inside the guest (busybox: ['sh', '-c', '…'], ['cat', '/a/log'], …) and waits for its end, at most `deadlineMs`. Any exit code is a result. */
export async function guestExec(
  host: { libvirtUri: string; name: string },
  argv: readonly string[],
  deadlineMs = 120_000,
): Promise<GuestProgramResult> {
  const [file, ...rest] = argv;
  const { libvirtUri, name } = host;
  const start = { execute: 'guest-exec', arguments: { path: file, arg: rest, 'capture-output': true, env: ['PATH=/bin:/sbin'] } };
  // Asked for once: nobody wants it to run twice.
  await askGuestAgent(libvirtUri, name, { execute: 'guest-ping' });
  const started = await guestAgentCommand(libvirtUri, name, start);
  const pid = isRecord(started) ? started['pid'] : undefined;
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const status = await askGuestAgent(libvirtUri, name, { execute: 'guest-exec-status', arguments: { pid } });
    if (isRecord(status) && status['exited'] === true) {
      return { exitCode: Number(status['exitcode'] ?? -1), stdout: decoded(status['out-data']), stderr: decoded(status['err-data']) };
    }
    if (performance.now() > deadline)
      throw new Error(`${argv.join(' ')} in guest ${name} did not end within ${deadlineMs} ms; it runs on there`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function decoded(data: unknown): string {
  return typeof data === 'string' ? Buffer.from(data, 'base64').toString('utf8') : '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
