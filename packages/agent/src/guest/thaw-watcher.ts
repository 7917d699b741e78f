/**
 * The process that thaws a guest when the agent cannot: argv LIBVIRT_URI MACHINE_UUID EVIDENCE_FILE; on stdin "arm MS", then "release" or
 * the end of the pipe. Says "ready" once it could thaw and "thawing" when it does. In a session of its own, deaf to the signals that end
 * the agent. Loads little, as a quiesce waits for its "ready". Must do nothing unless it is armed, and must not give up while the machine
 * runs.
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { LibvirtCallError, silenceLibvirt } from '../hypervisor/libvirt/ffi.js';
import { SyncConnection } from '../hypervisor/libvirt/sync-connection.js';
import { type ThawEvidence, writeEvidence } from './thaw-evidence.js';

const THAW_SECONDS = 5;
const RETRY_MS = 1_000;
const GIVE_UP_MS = 10 * 60_000;
/** A snapshot that the dead agent had sent may still be under way: it belongs into the frozen time. */
const JOB_WAIT_MS = 2_000;
const JOB_POLL_MS = 5;
const NO_DOMAIN = 42;

const [uri = '', uuid = '', evidenceFile = ''] = process.argv.slice(2);
const connection = new SyncConnection(uri);
let deadline: NodeJS.Timeout | undefined;
let isArmed = false;
let isEnding = false;

function say(word: string): void {
  // Nobody may be listening any more.
  process.stdout.write(`${word}\n`, () => undefined);
}

async function lookBeforeThaw(): Promise<ThawEvidence> {
  const until = performance.now() + JOB_WAIT_MS;
  while (connection.call('jobsOf', { uuid, targets: [] }).hasDomainJob && performance.now() < until) await sleep(JOB_POLL_MS);
  return { liveXml: connection.call('describeMachine', { uuid }).liveXml, thawed: null };
}

/** How many file systems the guest says that it has thawed. Throws if it says something else. */
function thawedIn(text: string): number {
  const answer: unknown = JSON.parse(text);
  if (typeof answer === 'object' && answer !== null && 'return' in answer && typeof answer.return === 'number') return answer.return;
  throw new Error(`the guest answered ${text}`);
}

/** True once there is nothing left to thaw: the guest answered, or it is off or gone. */
async function tryThaw(): Promise<boolean> {
  try {
    const seen = await lookBeforeThaw();
    writeEvidence(evidenceFile, seen);
    const text = connection.call('agentCommand', { uuid, command: '{"execute":"guest-fsfreeze-thaw"}', timeoutSeconds: THAW_SECONDS });
    writeEvidence(evidenceFile, { ...seen, thawed: thawedIn(text) });
    return true;
  } catch (error) {
    return error instanceof LibvirtCallError && (error.problem.code === NO_DOMAIN || /domain is not running/i.test(error.message));
  }
}

async function thawAndEnd(): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  clearTimeout(deadline);
  say('thawing');
  const until = performance.now() + GIVE_UP_MS;
  while (!(await tryThaw())) {
    if (performance.now() > until) process.exit(1);
    await sleep(RETRY_MS);
  }
  process.exit(0);
}

function hear(line: string): void {
  const [word, argument] = line.split(' ');
  if (word === 'release' && !isEnding) process.exit(0);
  if (word !== 'arm') return;
  isArmed = true;
  deadline = setTimeout(() => void thawAndEnd(), Number(argument));
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGPIPE'] as const) process.on(signal, () => undefined);
process.stdout.on('error', () => undefined);
silenceLibvirt();
connection.open();
const input = createInterface({ input: process.stdin });
input.on('line', hear);
input.on('close', () => {
  if (isArmed) void thawAndEnd();
  else process.exit(0);
});
say('ready');
