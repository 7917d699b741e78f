/** A private hypervisor with a pool, guests and an agent that talks to a fake API. Real libvirtd, QEMU and qemu-img; needs root. */
import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  buildGuestFiles,
  commandLineOf,
  createGuestDisks,
  defineGuest,
  destroyGuest,
  type GuestDefinition,
  type Hypervisor,
  killHypervisor,
  listGuests,
  runProgram,
  startGuest,
  startHypervisor,
  stopHypervisor,
  virsh,
  waitForGuestAgent,
} from '@coppice/lab';
import { AgentProcess } from './agent-process.js';
import { FakeApi } from './fake-api.js';
import { until } from './until.js';
import { TestMachine } from './test-machine.js';

/** See the file's head. */
export class HostWorld {
  readonly api: FakeApi;
  readonly agent: AgentProcess;
  readonly poolDir: string;

  private constructor(
    readonly dir: string,
    private hypervisor: Hypervisor,
    parts: { api: FakeApi; agent: AgentProcess; poolDir: string },
  ) {
    this.poolDir = parts.poolDir;
    this.api = parts.api;
    this.agent = parts.agent;
  }

  /**
   * Everything but guests; the agent is configured and not started. `beside`: a world whose pool this host shares; it is closed later.
   * `poolBytes`: the pool is a file system of its own, of this size; `smallPoolBytes`: the pool named small is, on which no guest's disk is.
   */
  static async open(options: { beside?: HostWorld; poolBytes?: number; smallPoolBytes?: number } = {}): Promise<HostWorld> {
    const { beside, poolBytes, smallPoolBytes } = options;
    const dir = await mkdtemp(join(tmpdir(), 'coppice-agent-'));
    const runDir = `/run/coppice-${createHash('sha256').update(dir).digest('hex').slice(0, 8)}`;
    const poolDir = beside?.poolDir ?? join(dir, 'pool');
    await mkdir(poolDir, { recursive: true });
    await mkdir(join(dir, 'small'));
    // Before libvirtd starts: it has mounts of its own from then on.
    if (poolBytes !== undefined) await mountMemory(poolDir, poolBytes);
    if (smallPoolBytes !== undefined) await mountMemory(join(dir, 'small'), smallPoolBytes);
    const hypervisor = await startHypervisor({ name: 'agent-test', stateDir: join(dir, 'host'), runDir });
    const api = await FakeApi.open();
    const config = {
      apiUrls: [api.url],
      hostName: 'agent-test',
      libvirtUri: hypervisor.libvirtUri,
      migrationUri: hypervisor.libvirtUri,
      stateDir: join(dir, 'agent'),
      enrolmentToken: api.token,
      pools: [
        { name: 'pool', type: 'SHARED_MOUNT_POINT', path: poolDir },
        { name: 'small', type: 'SHARED_MOUNT_POINT', path: join(dir, 'small') },
      ],
      logLevel: 'debug',
    };
    await writeFile(join(dir, 'agent.json'), JSON.stringify(config));
    const agent = new AgentProcess(join(dir, 'agent.json'), join(dir, 'agent.log'));
    return new HostWorld(dir, hypervisor, { api, agent, poolDir });
  }

  /** The same with a machine g1, which `boots` or is off, and an agent that is connected. */
  static async withMachine(options: Parameters<typeof HostWorld.open>[0] & { boots?: boolean } = {}) {
    const world = await HostWorld.open(options);
    const machine = await world.addMachine('g1');
    if (options.boots === true) await world.boot(machine);
    world.agent.start();
    await world.api.connected();
    return { world, machine };
  }

  get smallPoolDir(): string {
    return join(this.dir, 'small');
  }

  /** Leaves so much room in the small pool; null: all of it. */
  async leaveRoom(bytes: number | null): Promise<void> {
    const path = join(this.smallPoolDir, 'filler');
    await rm(path, { force: true });
    if (bytes === null) return;
    const { bsize, bavail } = await statfs(this.smallPoolDir);
    // Somebody else may be taking room meanwhile.
    for (let size = bsize * bavail - bytes; size > 0; size = Math.floor(size / 2)) {
      const isTaken = runProgram('fallocate', ['-l', String(size), path], { deadlineMs: 10_000 }).then(
        () => true,
        () => false,
      );
      if (await isTaken) return;
    }
  }

  /** SIGKILL to the machine's QEMU. */
  killQemu(machine: TestMachine): void {
    for (const pid of this.qemusOf(machine)) process.kill(pid, 'SIGKILL');
  }

  /** Process ids of the machine's QEMU: one, or none when it is off. */
  qemusOf({ uuid }: TestMachine): readonly number[] {
    const isIt = (pid: number) => {
      const text = commandLineOf(pid) ?? [];
      return (text[0]?.includes('qemu-system') ?? false) && text.includes(uuid);
    };
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter(isIt);
  }

  /** Where sockets go: short. */
  get runDir(): string {
    return this.hypervisor.runDir;
  }

  get uri(): string {
    return this.hypervisor.libvirtUri;
  }

  /** Defines a guest with two disks. */
  async addMachine(name: string): Promise<TestMachine> {
    const files = await buildGuestFiles(
      process.env['COPPICE_TEST_GUEST_DIR'] ?? join(tmpdir(), `coppice-guest-${process.getuid?.() ?? 0}`),
    );
    const disks = await createGuestDisks({ poolDir: this.poolDir });
    const place = { runDir: join(this.hypervisor.runDir, 't'), logDir: join(this.dir, 'log') };
    const guest: GuestDefinition = { name, uuid: randomUUID(), disks, files, ...place };
    await defineGuest(this.uri, guest);
    return new TestMachine(this, guest);
  }

  async boot(machine: TestMachine): Promise<void> {
    await startGuest(this.uri, machine.name);
    await waitForGuestAgent(this.uri, machine.name);
  }

  /** SIGKILL, and a new one; guests run on. */
  async restartLibvirtd(): Promise<void> {
    const { name, stateDir, runDir } = this.hypervisor;
    await killHypervisor(this.hypervisor);
    this.hypervisor = await startHypervisor({ name, stateDir, runDir });
  }

  /** libvirtd stands still, or goes on: its guests run. */
  signalLibvirtd(signal: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(this.hypervisor.process.pid, signal);
  }

  /** SIGKILL to the watcher of this machine, in the instant in which the journal says that a freeze of it begins. */
  async killWatcherAtFreeze(commandId: string, machineUuid: string): Promise<void> {
    const journal = join(this.dir, 'agent', 'journal.log');
    const begins = `"kind":"freeze-begun"`;
    await until('the freeze', () =>
      readFileSync(journal, 'utf8')
        .split('\n')
        .some((line) => line.includes(begins) && line.includes(commandId)),
    );
    const watchers = this.watchersOf(machineUuid);
    for (const pid of watchers) process.kill(pid, 'SIGKILL');
    if (watchers.length !== 1) throw new Error(`${watchers.length} watchers of ${machineUuid} were found`);
  }

  /** The processes that would thaw this machine. */
  watchersOf(machineUuid: string): number[] {
    return readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid) && isWatcherOf(pid, machineUuid))
      .map(Number);
  }

  virsh(...argv: string[]): Promise<string> {
    return virsh(this.uri, argv);
  }

  /** Writes another backing file into a layer's header, and nothing else. */
  async rebase(fileName: string, backingName: string): Promise<void> {
    const argv = ['rebase', '-u', '-f', 'qcow2', '-F', 'qcow2', '-b', backingName, join(this.poolDir, fileName)];
    await runProgram('qemu-img', argv, { deadlineMs: 20_000 });
  }

  /** What qemu-img says of a file of the pool, without its backing chain. */
  async imageInfo(fileName: string): Promise<Record<string, unknown>> {
    const { stdout } = await runProgram('qemu-img', ['info', '-U', '-f', 'qcow2', '--output=json', join(this.poolDir, fileName)], {
      deadlineMs: 20_000,
    });
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  /** The files that a machine is on, by target: live, or as its persistent definition says. */
  async sources(machine: TestMachine, inactive = false): Promise<Record<string, string>> {
    const text = await this.virsh('domblklist', machine.name, ...(inactive ? ['--inactive'] : []));
    const rows = text.split('\n').flatMap((line) => {
      const [target, path] = line.trim().split(/\s+/);
      return target === undefined || path === undefined ? [] : [[target, basename(path)] as const];
    });
    return Object.fromEntries(rows);
  }

  async close(): Promise<void> {
    await this.agent.stop('SIGKILL');
    await this.api.close();
    for (const guest of await listGuests(this.uri)) await destroyGuest(this.uri, guest);
    await stopHypervisor(this.hypervisor);
    await unmount(join(this.dir, 'pool'));
    await unmount(this.smallPoolDir);
    await rm(this.dir, { recursive: true, force: true });
    await rm(this.hypervisor.runDir, { recursive: true, force: true });
  }
}

async function mountMemory(path: string, bytes: number): Promise<void> {
  await runProgram('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'coppice-test', path], { deadlineMs: 10_000 });
}

/** Nothing happens if nothing is mounted there. */
async function unmount(path: string): Promise<void> {
  if (readFileSync('/proc/mounts', 'utf8').includes(` ${path} `)) await runProgram('umount', [path], { deadlineMs: 10_000 });
}

/** Its own process, and not the guest's QEMU, which has the same UUID in its command line. */
function isWatcherOf(pid: string, machineUuid: string): boolean {
  const text = commandLineOf(Number(pid)) ?? [];
  return text.some((argument) => argument.endsWith('thaw-watcher.js')) && text.includes(machineUuid);
}
