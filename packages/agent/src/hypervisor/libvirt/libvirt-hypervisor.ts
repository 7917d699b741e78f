import type { Logger } from 'pino';
import { z } from 'zod';
import { CommandProblem, HypervisorLost } from '../../failure.js';
import type { GuestRequest, Hypervisor, MachineEvent, MachineFacts } from '../port.js';
import type { CallArguments, CallAnswer, CallName, ChildMessage } from './calls.js';
import { ChildLink } from './child-link.js';
import { LibvirtBlockJobs } from './libvirt-block-jobs.js';
import { LibvirtMachines } from './libvirt-machines.js';
import { LibvirtMigrations } from './libvirt-migrations.js';
import { factsOf } from './machine-facts.js';
import { writtenFilesOf } from './query-block.js';

/** Reading calls take no lock of libvirt's; the first after a start of libvirtd may probe QEMU for 4 s (lab.md §2). */
const READ_DEADLINE_MS = 20_000;
/** Longer than libvirt's own 30 s wait for its lock, so that its own error arrives first. */
const CHANGE_DEADLINE_MS = 45_000;
/** Memory is copied to or from a file: 1 TiB at 300 MB/s. */
const MEMORY_DEADLINE_MS = 3_600_000;
/** libvirt first waits up to 5 s for the agent to answer a sync, then for the command itself. */
const AGENT_SYNC_MS = 5_000;

const agentAnswer = z.object({ return: z.unknown() });

/** The Hypervisor port over libvirt, through a child process. */
export class LibvirtHypervisor implements Hypervisor {
  readonly machines: LibvirtMachines;
  readonly blockJobs: LibvirtBlockJobs;
  readonly migrations: LibvirtMigrations;
  private readonly link: ChildLink;
  private isConnected = false;
  private known: { libvirt: string; qemu: string } | undefined;
  private readonly connectedListeners: Array<() => void> = [];
  private readonly waiting = new Set<() => void>();
  private readonly machineListeners: Array<(event: MachineEvent) => void> = [];

  constructor(
    uri: string,
    private readonly log: Logger,
  ) {
    this.link = new ChildLink(uri, log, (news) => this.hear(news));
    this.machines = new LibvirtMachines(this.link);
    this.blockJobs = new LibvirtBlockJobs(this.link);
    this.migrations = new LibvirtMigrations(this.link);
    this.link.start();
  }

  onConnected(listener: () => void): void {
    this.connectedListeners.push(listener);
  }

  onMachineEvent(listener: (event: MachineEvent) => void): void {
    this.machineListeners.push(listener);
  }

  async whenConnected(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.isConnected) return;
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.waiting.delete(onConnected);
        reject(signal.reason);
      };
      const onConnected = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.waiting.add(onConnected);
    });
  }

  /** Asked once per connection: the first time after a start of libvirtd it probes QEMU for 4 s (lab.md §2). */
  async versions(): Promise<{ libvirt: string; qemu: string }> {
    this.known ??= await this.read('versions', {}, 'tell its version');
    return this.known;
  }

  listMachines(): Promise<string[]> {
    return this.read('listMachines', {}, 'list its machines');
  }

  async describeMachine(uuid: string): Promise<MachineFacts> {
    return factsOf(await this.read('describeMachine', { uuid }, `describe machine ${uuid}`));
  }

  async busyWith(uuid: string, targets: readonly string[]): Promise<string | null> {
    const jobs = await this.read('jobsOf', { uuid, targets: [...targets] }, `name the jobs of machine ${uuid}`);
    if (jobs.blockJobTargets.length > 0) return `a block job on ${jobs.blockJobTargets.join(', ')}`;
    return jobs.hasDomainJob ? 'a backup, migration, save or snapshot' : null;
  }

  async takeDiskSnapshot(uuid: string, xml: string): Promise<void> {
    await this.change('takeSnapshot', { uuid, xml, memory: null }, `snapshot machine ${uuid}`);
  }

  async takeMemorySnapshot({ uuid, xml, isLive }: { uuid: string; xml: string; isLive: boolean }): Promise<void> {
    const doing = `snapshot machine ${uuid} with its memory`;
    await this.link.call('takeSnapshot', { uuid, xml, memory: isLive ? 'LIVE' : 'HELD' }, { doing, deadlineMs: MEMORY_DEADLINE_MS });
  }

  async suspend(uuid: string): Promise<void> {
    await this.change('suspend', { uuid }, `let machine ${uuid} stand still`);
  }

  async define(xml: string): Promise<void> {
    await this.change('define', { xml }, 'define a machine');
  }

  async writtenFiles(uuid: string): Promise<string[]> {
    return writtenFilesOf(await this.read('queryBlock', { uuid }, `name the files that QEMU writes for machine ${uuid}`));
  }

  async switchAutostartOff(uuid: string): Promise<void> {
    await this.change('switchAutostartOff', { uuid }, `switch off the autostart of machine ${uuid}`);
  }

  async stop(uuid: string): Promise<void> {
    const doing = `stop machine ${uuid}`;
    try {
      await this.change('destroy', { uuid, isGraceful: true }, doing);
    } catch (error) {
      if (error instanceof HypervisorLost) throw error;
      if ((await this.describeMachine(uuid)).power === 'OFF') return;
      this.log.warn({ err: error, uuid }, 'QEMU did not end when asked; it is killed');
      await this.change('destroy', { uuid, isGraceful: false }, doing);
    }
  }

  async start(uuid: string, { isPaused = false, hasSavedMemory = false } = {}): Promise<void> {
    const deadlineMs = hasSavedMemory ? MEMORY_DEADLINE_MS : CHANGE_DEADLINE_MS;
    await this.link.call('start', { uuid, isPaused }, { doing: `start machine ${uuid}`, deadlineMs });
  }

  async removeManagedSave(uuid: string): Promise<void> {
    await this.change('removeManagedSave', { uuid }, `remove the managed save image of machine ${uuid}`);
  }

  async restoreMemory(request: { path: string; xml: string; isPaused: boolean }): Promise<void> {
    const doing = `restore the memory in ${request.path}`;
    await this.link.call('restoreMemory', request, { doing, deadlineMs: MEMORY_DEADLINE_MS });
  }

  async guestCommand(uuid: string, { execute, timeoutMs }: GuestRequest): Promise<unknown> {
    const timeoutSeconds = Math.max(1, Math.ceil(timeoutMs / 1000));
    const argument = { uuid, command: JSON.stringify({ execute }), timeoutSeconds };
    const deadlineMs = timeoutMs + AGENT_SYNC_MS + 1000;
    const doing = `send ${execute} to the agent of machine ${uuid}`;
    const call = this.link.call('agentCommand', argument, { doing, deadlineMs });
    return agentAnswer.parse(JSON.parse(await withinTime(call, timeoutMs, doing))).return;
  }

  close(): Promise<void> {
    return this.link.close();
  }

  private read<Name extends CallName>(name: Name, argument: CallArguments[Name], doing: string): Promise<CallAnswer<Name>> {
    return this.link.call(name, argument, { doing, deadlineMs: READ_DEADLINE_MS });
  }

  private change<Name extends CallName>(name: Name, argument: CallArguments[Name], doing: string): Promise<CallAnswer<Name>> {
    return this.link.call(name, argument, { doing, deadlineMs: CHANGE_DEADLINE_MS });
  }

  private hear(news: ChildMessage): void {
    if (news.kind === 'connected') {
      this.log.info('connected to libvirt');
      this.isConnected = true;
      this.known = undefined;
      for (const wake of this.waiting) wake();
      this.waiting.clear();
      for (const listener of this.connectedListeners) listener();
    } else if (news.kind === 'closed') {
      if (this.isConnected) this.log.warn({ reason: news.reason }, 'the connection to libvirt is gone');
      this.isConnected = false;
    } else if (news.kind === 'machine-changed') {
      const event = { uuid: news.uuid, event: eventOf(news.event), detail: news.detail };
      for (const listener of this.machineListeners) listener(event);
    }
  }
}

/**
 * The guest's answer in time, or GUEST_AGENT_UNAVAILABLE. libvirt may go on waiting for up to 5 s more than asked (its sync has a time of its
 * own); whoever sends a freeze has to see to the thaw in either case.
 */
async function withinTime(call: Promise<string>, timeoutMs: number, doing: string): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new CommandProblem({
          code: 'GUEST_AGENT_UNAVAILABLE',
          retryable: true,
          message: `The guest agent did not answer within ${timeoutMs} ms (asked to ${doing}).`,
        }),
      );
    }, timeoutMs);
  });
  // The call is watched although it may lose the race: its rejection then has been heard.
  call.catch(() => undefined);
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
}

function eventOf(name: string): MachineEvent['event'] {
  return name === 'agent' || name === 'block-job' ? name : 'lifecycle';
}
