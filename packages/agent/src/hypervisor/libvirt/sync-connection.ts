import { blockJobOperations } from './block-job-operations.js';
import type { CallAnswer, CallArguments, CallName, RawJobs } from './calls.js';
import { describeDomain } from './describe-domain.js';
import { type Connect, checked, type Domain, LibvirtCallError, takeList, virFunctions as vir } from './ffi.js';
import { machineOperations } from './machine-operations.js';
import { destroy, removeManagedSave, restoreMemory, start, suspend } from './power-operations.js';

/** NO_METADATA | REUSE_EXT | ATOMIC of virDomainSnapshotCreateFlags: our own tree, our own files, all disks or none. */
const SNAPSHOT_FLAGS = 4 | 32 | 128;
const SNAPSHOT_DISK_ONLY = 16;
/** The guest goes on while its memory is saved; without it libvirt stops it before and lets it go on after, also after its own death. */
const SNAPSHOT_LIVE = 256;
/** virDomainJobInfo is 96 bytes and virDomainBlockJobInfo 32 in all versions; the rest is room to grow. */
const JOB_INFO_BYTES = 256;

/** One libvirt connection for one thread; every call blocks that thread until libvirt answers. Throws LibvirtCallError. */
export class SyncConnection {
  private connect: Connect | null = null;

  constructor(private readonly uri: string) {}

  /** Runs one call of calls.ts. After a lost connection the next call opens a new one. */
  call<Name extends CallName>(name: Name, argument: CallArguments[Name]): CallAnswer<Name> {
    try {
      return this.operations[name](argument as never);
    } catch (error) {
      if (this.connect !== null && vir.isAlive(this.connect) !== 1) this.close();
      throw error;
    }
  }

  /** Opens the connection if there is none that is alive: libvirtd may have been restarted since the last call. */
  open(): Connect {
    if (this.connect !== null && vir.isAlive(this.connect) !== 1) this.close();
    this.connect ??= checked(vir.open(this.uri));
    return this.connect;
  }

  close(): void {
    if (this.connect !== null) vir.close(this.connect);
    this.connect = null;
  }

  private readonly operations: { [Name in CallName]: (argument: CallArguments[Name]) => CallAnswer<Name> } = {
    versions: () => this.versions(),
    listMachines: () => {
      const list: [unknown] = [null];
      const length = checked(vir.listDomains(this.open(), list, 0));
      return takeList(
        { pointer: list[0], length },
        { read: (item) => uuidOf(item as Domain), free: (item) => vir.freeDomain(item as Domain) },
      );
    },
    describeMachine: ({ uuid }) => this.withDomain(uuid, (domain) => describeDomain(domain, uuid)),
    jobsOf: ({ uuid, targets }) => this.withDomain(uuid, (domain) => jobsOf(domain, targets)),
    takeSnapshot: ({ uuid, xml, memory }) =>
      this.withDomain(uuid, (domain) => {
        const flags = SNAPSHOT_FLAGS | (memory === null ? SNAPSHOT_DISK_ONLY : memory === 'LIVE' ? SNAPSHOT_LIVE : 0);
        vir.freeSnapshot(checked(vir.createSnapshot(domain, xml, flags)));
        return null;
      }),
    define: ({ xml }) => {
      vir.freeDomain(checked(vir.defineXml(this.open(), xml)));
      return null;
    },
    switchAutostartOff: ({ uuid }) =>
      this.withDomain(uuid, (domain) => {
        checked(vir.setAutostart(domain, 0));
        return null;
      }),
    destroy: ({ uuid, isGraceful }) => this.withDomain(uuid, (domain) => destroy(domain, isGraceful)),
    suspend: ({ uuid }) => this.withDomain(uuid, suspend),
    start: ({ uuid, isPaused }) => this.withDomain(uuid, (domain) => start(domain, isPaused)),
    removeManagedSave: ({ uuid }) => this.withDomain(uuid, removeManagedSave),
    restoreMemory: (request) => restoreMemory(this.open(), request),
    agentCommand: ({ uuid, command, timeoutSeconds }) =>
      this.withDomain(uuid, (domain) => checked(vir.agentCommand(domain, command, timeoutSeconds, 0))),
    ...blockJobOperations({ withDomain: (uuid, use) => this.withDomain(uuid, use) }),
    ...machineOperations({ open: () => this.open(), withDomain: (uuid, use) => this.withDomain(uuid, use) }),
    queryBlock: ({ uuid }) =>
      this.withDomain(uuid, (domain) => {
        const answer: [string | null] = [null];
        checked(vir.monitorCommand(domain, '{"execute":"query-block"}', answer, 0));
        return answer[0] ?? '{}';
      }),
  };

  private versions(): { libvirt: string; qemu: string } {
    const library: [number] = [0];
    const emulator: [number] = [0];
    checked(vir.libraryVersion(this.open(), library));
    checked(vir.emulatorVersion(this.open(), emulator));
    return { libvirt: dotted(library[0]), qemu: dotted(emulator[0]) };
  }

  private withDomain<T>(uuid: string, use: (domain: Domain) => T): T {
    const domain = checked(vir.lookup(this.open(), uuid));
    try {
      return use(domain);
    } finally {
      vir.freeDomain(domain);
    }
  }
}

function jobsOf(domain: Domain, targets: string[]): RawJobs {
  if (checked(vir.isActive(domain)) !== 1) return { hasDomainJob: false, blockJobTargets: [] };
  const info = Buffer.alloc(JOB_INFO_BYTES);
  checked(vir.jobInfo(domain, info));
  // VIR_DOMAIN_JOB_NONE is 0; COMPLETED, FAILED and CANCELLED (3 to 5) are about a job of the past.
  const type = info.readInt32LE(0);
  const blockJobTargets = targets.filter((target) => hasBlockJob(domain, target));
  return { hasDomainJob: type === 1 || type === 2, blockJobTargets };
}

function hasBlockJob(domain: Domain, target: string): boolean {
  return checked(vir.blockJobInfo(domain, target, Buffer.alloc(JOB_INFO_BYTES), 0)) === 1;
}

function uuidOf(domain: Domain): string {
  const buffer = Buffer.alloc(37);
  checked(vir.uuid(domain, buffer));
  return buffer.toString('latin1', 0, 36);
}

function dotted(version: number): string {
  return `${Math.floor(version / 1_000_000)}.${Math.floor(version / 1000) % 1000}.${version % 1000}`;
}

/** The problem of any error that a call threw. */
export function problemOf(error: unknown): { code: number; domain: number; message: string } {
  if (error instanceof LibvirtCallError) return error.problem;
  return { code: -1, domain: -1, message: String(error) };
}
