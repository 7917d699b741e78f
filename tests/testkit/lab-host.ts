import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findHypervisor, type Hypervisor, type HypervisorPlace, killHypervisor, libvirtUriOf, startHypervisor } from '@coppice/lab';
import type { GoldenGuest } from './golden-guest.js';
import { note } from './ledger.js';
import { Link } from './link.js';
import { newSocketFolder, runLedger, takePort } from './run-folder.js';
import { tickFolderOf } from './tick-folder.js';
import { WorldProcess } from './world-process.js';

const AGENT_MAIN = fileURLToPath(new URL('../../packages/agent/dist/main.js', import.meta.url));
/** The one pool of a world, shared by its hosts. */
const POOL_NAME = 'shared-pool';

/** `apiPort`: of the replica that the agent talks to at first. `enrolmentToken`: kept in its configuration, as on a real host: it may die while it enrols. */
export interface LabHostRequest {
  readonly name: string;
  readonly dir: string;
  readonly poolDir: string;
  readonly apiPort: number;
  readonly golden: GoldenGuest;
  readonly enrolmentToken?: string;
}

/** A hypervisor with its agent, and the network between the agent and the API. */
export class LabHost {
  readonly place: HypervisorPlace;
  readonly agent: WorldProcess;
  readonly link: Link;
  readonly dir: string;

  private constructor(parts: { place: HypervisorPlace; agent: WorldProcess; link: Link; dir: string }) {
    this.place = parts.place;
    this.agent = parts.agent;
    this.link = parts.link;
    this.dir = parts.dir;
  }

  /** Starts libvirtd; the agent is configured but not started. */
  static async create(request: LabHostRequest): Promise<LabHost> {
    const dir = join(request.dir, request.name);
    const place = { name: request.name, stateDir: join(dir, 'libvirt'), runDir: newSocketFolder() };
    note(runLedger(), { kind: 'folder', path: place.runDir });
    note(runLedger(), { kind: 'hypervisor', place });
    await mkdir(join(dir, 'agent'), { recursive: true });
    await mkdir(place.stateDir, { recursive: true });
    await mkdir(tickFolderOf(place.runDir).runDir, { recursive: true });
    await cp(request.golden.cacheDir, join(place.stateDir, 'cache'), { recursive: true, preserveTimestamps: true });
    await startHypervisor(place);
    const linkPort = await takePort();
    const link = await Link.open(linkPort, request.apiPort);
    const config = {
      apiUrls: [`ws://127.0.0.1:${linkPort}/agent`],
      hostName: request.name,
      libvirtUri: libvirtUriOf(place.runDir),
      migrationUri: libvirtUriOf(place.runDir),
      stateDir: join(dir, 'agent'),
      pools: [{ name: POOL_NAME, type: 'SHARED_MOUNT_POINT', path: request.poolDir }],
      logLevel: 'debug',
      enrolmentToken: request.enrolmentToken,
    };
    await writeFile(join(dir, 'agent.json'), JSON.stringify(config));
    const agent = new WorldProcess({
      name: `agent ${request.name}`,
      mainPath: AGENT_MAIN,
      env: { COPPICE_AGENT_CONFIG: join(dir, 'agent.json') },
      logPath: join(dir, 'agent.log'),
      ledgerPath: runLedger(),
    });
    return new LabHost({ place, agent, link, dir });
  }

  get name(): string {
    return this.place.name;
  }

  get libvirtUri(): string {
    return libvirtUriOf(this.place.runDir);
  }

  /** SIGKILL of libvirtd; the guests run on. */
  async killLibvirtd(): Promise<void> {
    const hypervisor = this.hypervisor();
    if (hypervisor !== undefined) await killHypervisor(hypervisor);
  }

  async startLibvirtd(): Promise<void> {
    await startHypervisor(this.place);
  }

  hypervisor(): Hypervisor | undefined {
    return findHypervisor(this.place);
  }
}
