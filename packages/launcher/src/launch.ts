import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildGuestFiles, type GuestFiles } from '@coppice/lab';
import { keepLogsBounded } from './bounded-logs.js';
import { clientAddress, type LauncherConfig } from './config.js';
import { type Credentials, readCredentials, urlsOf, writeCredentials } from './credentials.js';
import { applyMigrations, checkDatabaseVersion } from './database.js';
import { enrolDemoHosts } from './demo-enrolment.js';
import { demoLibvirtUri, hypervisorPlace, hypervisorProgram, stopAllGuests } from './demo-hosts.js';
import { DEMO_MACHINES, type DemoMachine, makeDemoMachines, startIfOff } from './demo-machines.js';
import { assignMachine, giveProjectsTokens, waitForHosts, waitUntilGuestAnswers, waitUntilIdle } from './demo-projects.js';
import { prepareEmbeddedPostgres } from './embedded-postgres.js';
import { lockRunDir } from './launcher-lock.js';
import { checkPorts } from './ports.js';
import { agentProgram, apiProgram, DEMO_HOSTS, endAllLeftOvers, webProgram } from './programs.js';
import { LaunchError, messageOf, say, waitUntil } from './progress.js';
import { PublicApi } from './public-api.js';
import { readOrMake } from './small-files.js';
import { Supervised } from './supervised.js';

const ANSWER_DEADLINE_MS = 90_000;
/** A program that ends so often before its first answer will not come up by trying on. */
const MAX_FIRST_RESTARTS = 3;
const POSTGRES_GRACE_MS = 20_000;

/** Starts everything in order, keeps it running, and stops it in the opposite order. */
export class Launch {
  private database: Supervised | undefined;
  private api: Supervised | undefined;
  private web: Supervised | undefined;
  private hypervisors: Supervised[] = [];
  private agents: Supervised[] = [];
  private isUnderWay = false;
  private endLogBounds: () => void = () => {};

  constructor(private readonly config: LauncherConfig) {}

  /** Starts all; returns the credentials when everything answers. Throws LaunchError; the caller then calls stop(). */
  async start(): Promise<Credentials> {
    const { config } = this;
    // Disk images and keys are below: nobody else may look in.
    await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
    await mkdir(join(config.dataDir, 'logs'), { recursive: true });
    await mkdir(config.runDir, { recursive: true, mode: 0o711 });
    await lockRunDir(config.runDir);
    await endAllLeftOvers(config);
    await checkPorts(config);
    this.isUnderWay = true;
    this.endLogBounds = keepLogsBounded(this.logDirs());
    const [credentials, guestFiles] = await Promise.all([this.startControlPlane(), this.startHypervisors()]);
    if (guestFiles === undefined) return credentials;
    return this.startDemo(credentials, guestFiles);
  }

  /** Whether there is anything to stop. */
  get hasStarted(): boolean {
    return this.isUnderWay;
  }

  /** Stops all that runs: agents, guests, libvirtd, dashboard, API, PostgreSQL. Goes on after a failure, and says what it was. */
  async stop(): Promise<void> {
    this.endLogBounds();
    await stopAll(this.agents);
    if (this.hypervisors.length > 0) {
      say('powering off the guests');
      await stopAllGuests(this.config);
    }
    await stopAll(this.hypervisors);
    for (const program of [this.web, this.api, this.database]) if (program !== undefined) await stopAll([program]);
  }

  private async startControlPlane(): Promise<Credentials> {
    const { config } = this;
    const databaseUrl = config.databaseUrl ?? (await this.startEmbeddedPostgres());
    if (config.databaseUrl !== undefined) await checkDatabaseVersion(databaseUrl);
    await timed('migrations applied', () => applyMigrations(config, databaseUrl));
    const adminTokenFile = join(config.dataDir, 'admin-token');
    const adminToken = await readOrMake(adminTokenFile, () => `coppice_${randomBytes(32).toString('base64url')}`);
    this.api = apiProgram(config, databaseUrl, adminTokenFile);
    this.web = webProgram(config);
    const base = `http://${clientAddress(config.bind)}`;
    await Promise.all([
      timed('the API answers', () => startAndWait(this.api, `${base}:${config.apiPort}/readyz`)),
      timed('the dashboard answers', () => startAndWait(this.web, `${base}:${config.webPort}/`)),
    ]);
    const hosts = config.isDemo ? DEMO_HOSTS.map((name) => ({ name, libvirtUri: demoLibvirtUri(config, name) })) : [];
    const credentials = { ...(await readCredentials(config)), ...urlsOf(config), adminToken, hosts };
    await writeCredentials(config, credentials);
    return credentials;
  }

  private async startEmbeddedPostgres(): Promise<string> {
    const { config } = this;
    const embedded = await timed('the database folder is ready', () => prepareEmbeddedPostgres(config));
    const logFile = join(config.dataDir, 'logs', 'postgres.log');
    // SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for clients to leave.
    this.database = new Supervised({
      name: 'postgres',
      start: embedded.start,
      stopSignal: 'SIGINT',
      stopGraceMs: POSTGRES_GRACE_MS,
      logFile,
    });
    await timed('PostgreSQL answers', () => this.database?.start());
    return embedded.url;
  }

  private async startHypervisors(): Promise<GuestFiles | undefined> {
    const { config } = this;
    if (!config.isDemo) return undefined;
    const files = await buildGuestFiles(join(config.dataDir, 'guest'), say);
    this.hypervisors = DEMO_HOSTS.map((host) => hypervisorProgram(config, host));
    await timed(`demo hypervisors ${DEMO_HOSTS.join(' and ')} answer`, () =>
      Promise.all(this.hypervisors.map((program) => program.start())),
    );
    await timed('demo machines are there', () => makeDemoMachines(config, files));
    return files;
  }

  private async startDemo(credentials: Credentials, _files: GuestFiles): Promise<Credentials> {
    const { config } = this;
    const api = new PublicApi(credentials.apiUrl, credentials.adminToken);
    await timed('demo zone, cluster and hosts are known', () => enrolDemoHosts(api, config));
    this.agents = DEMO_HOSTS.map((host) => agentProgram(config, host));
    await Promise.all(this.agents.map((agent) => agent.start()));
    const complete = await giveProjectsTokens(api, config, credentials);
    await timed('both agents are connected', () => waitForHosts(api, () => this.agents.map((agent) => agent.logTail()).join('\n')));
    await timed('machines belong to their projects and run', () => Promise.all(DEMO_MACHINES.map((machine) => this.bringUp(api, machine))));
    return complete;
  }

  private async bringUp(api: PublicApi, machine: DemoMachine): Promise<void> {
    await assignMachine(api, machine);
    if (!(await waitUntilIdle(api, machine))) {
      say(`${machine.name} still has unfinished work and was not started; it can be started when that is done`);
      return;
    }
    await startIfOff(this.config, machine);
    if (!(await waitUntilGuestAnswers(api, machine)))
      say(`the guest agent of ${machine.name} does not answer; its console is logs/${machine.name}.console`);
  }

  private logDirs(): string[] {
    const hosts = this.config.isDemo ? DEMO_HOSTS.map((host) => hypervisorPlace(this.config, host).stateDir) : [];
    return [join(this.config.dataDir, 'logs'), ...hosts.flatMap((dir) => [join(dir, 'log'), join(dir, 'log/qemu')])];
  }
}

async function startAndWait(program: Supervised | undefined, url: string): Promise<void> {
  if (program === undefined) throw new Error(`nothing to start for ${url}`);
  await program.start();
  const late = (): string => `${program.name} does not answer at ${url} after ${ANSWER_DEADLINE_MS / 1000} s:\n${program.logTail()}`;
  const isUp = async (): Promise<boolean> => {
    if (program.restarts >= MAX_FIRST_RESTARTS)
      throw new LaunchError(`${program.name} ends each time it is started:\n${program.logTail()}`);
    return answers(url);
  };
  await waitUntil(isUp, { deadlineMs: ANSWER_DEADLINE_MS, everyMs: 100, late });
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch (error) {
    // Refused, reset or too slow: it is not ready yet. Anything else is a fault of ours.
    if (error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError')) return false;
    throw error;
  }
}

async function stopAll(programs: readonly Supervised[]): Promise<void> {
  const results = await Promise.allSettled(
    programs.map(async (program) => {
      await program.stop();
      say(`${program.name} stopped`);
    }),
  );
  for (const result of results) if (result.status === 'rejected') say(messageOf(result.reason));
}

async function timed<T>(what: string, work: () => Promise<T> | T): Promise<T> {
  const began = performance.now();
  const result = await work();
  say(`${what} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  return result;
}
