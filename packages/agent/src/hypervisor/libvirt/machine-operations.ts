/** Changes of machines as libvirt's calls, and those in which another host takes part. Each blocks its thread until libvirt answers. */
import { describeDomain } from './describe-domain.js';
import { type Connect, checked, type Domain, LibvirtCallError, type LibvirtProblem, virFunctions as vir } from './ffi.js';
import type { MachineCallAnswer, MachineCallArguments, MachineCallName } from './machine-calls.js';
import { machineFunctions as machines, type TypedParameters } from './machine-ffi.js';

/** virDomainModificationImpact. */
const LIVE = 1;
const CONFIG = 2;
/** MANAGED_SAVE | SNAPSHOTS_METADATA | NVRAM | CHECKPOINTS_METADATA | TPM of virDomainUndefineFlags. */
const UNDEFINE_FLAGS = 1 | 2 | 4 | 16 | 32;
/** virDomainSnapshotDeleteFlags. */
const METADATA_ONLY = 2;
const XML_SECURE = 1;
/** virErrorNumber. */
const NO_DOMAIN = 42;
/**
 * LIVE | PERSIST_DEST | UNDEFINE_SOURCE | ABORT_ON_ERROR | AUTO_CONVERGE of virDomainMigrateFlags: it is in one place afterwards; a disk error
 * ends it; a guest that dirties memory faster than it travels is slowed down instead of migrating for ever.
 */
const MIGRATE_FLAGS = 1 | 8 | 16 | 4096 | 8192;
const MIGRATE_UNSAFE = 512;
const MIGRATE_TLS = 65_536;
const JOB_INFO_BYTES = 256;
const NO_DOMAIN_ERROR = { code: NO_DOMAIN, domain: 0, message: '' };

/** The connection of this host. */
interface ThisHost {
  readonly open: () => Connect;
  readonly withDomain: <T>(uuid: string, use: (domain: Domain) => T) => T;
}

type Operations = { [Name in MachineCallName]: (argument: MachineCallArguments[Name]) => MachineCallAnswer<Name> };

/** The operations over that connection. They throw LibvirtCallError; those with another host answer that host's problems as values. */
export function machineOperations(host: ThisHost): Operations {
  const on = (uuid: string, act: (domain: Domain) => unknown): null => {
    host.withDomain(uuid, act);
    return null;
  };
  return {
    shutDown: ({ uuid }) => on(uuid, (domain) => checked(machines.shutDown(domain, 0))),
    resume: ({ uuid }) => on(uuid, (domain) => checked(machines.resume(domain))),
    attachDisk: (change) => on(change.uuid, (domain) => checked(machines.attachDevice(domain, change.xml, impact(change)))),
    detachDisk: (change) => on(change.uuid, (domain) => checked(machines.detachDevice(domain, change.xml, impact(change)))),
    undefine: ({ uuid }) => ifThere(() => on(uuid, (domain) => checked(machines.undefine(domain, UNDEFINE_FLAGS)))),
    dropSnapshotRecords: ({ uuid }) => on(uuid, (domain) => dropSnapshotRecords(domain, uuid)),
    managedSaveXml: ({ uuid }) => host.withDomain(uuid, (domain) => checked(machines.managedSaveXml(domain, XML_SECURE))),
    lookAt: (request) => lookAt(host, request),
    migrate: (request) => asValue(() => host.withDomain(request.uuid, (domain) => migrate(domain, request))),
    migrationProgress: ({ uuid }) => host.withDomain(uuid, migrationProgress),
    abortJob: ({ uuid }) => on(uuid, (domain) => checked(machines.abortJob(domain))),
    resumeAt: ({ uri, uuid }) =>
      asValue(() => withConnection(uri, (there) => withDomainAt(there, uuid, (domain) => checked(machines.resume(domain))))),
    defineAt: ({ uri, xml }) => asValue(() => withConnection(uri, (there) => vir.freeDomain(checked(vir.defineXml(there, xml))))),
  };
}

function impact({ live, persistent }: { live: boolean; persistent: boolean }): number {
  return (live ? LIVE : 0) | (persistent ? CONFIG : 0);
}

/** Null also where the host has no such machine. */
function ifThere<T>(act: () => T): T | null {
  try {
    return act();
  } catch (error) {
    if (error instanceof LibvirtCallError && error.problem.code === NO_DOMAIN) return null;
    throw error;
  }
}

function dropSnapshotRecords(domain: Domain, uuid: string): void {
  for (const name of describeDomain(domain, uuid).snapshots) {
    const snapshot = checked(machines.lookupSnapshot(domain, name, 0));
    try {
      checked(machines.deleteSnapshot(snapshot, METADATA_ONLY));
    } finally {
      vir.freeSnapshot(snapshot);
    }
  }
}

/** `problem` instead of an exception. */
function asValue(act: () => unknown): { problem: LibvirtProblem | null } {
  try {
    act();
    return { problem: null };
  } catch (error) {
    if (error instanceof LibvirtCallError) return { problem: error.problem };
    throw error;
  }
}

/** A connection to another host for one visit: this thread's own connection stays what it is. */
function withConnection<T>(uri: string, use: (there: Connect) => T): T {
  const there = checked(vir.open(uri));
  try {
    return use(there);
  } finally {
    vir.close(there);
  }
}

function lookAt(host: ThisHost, { uri, uuid }: MachineCallArguments['lookAt']): MachineCallAnswer<'lookAt'> {
  const own = hostUuid(host.open());
  const found: MachineCallAnswer<'lookAt'>[] = [];
  const { problem } = asValue(() =>
    withConnection(uri, (there) => {
      const machine = ifThere(() => withDomainAt(there, uuid, (domain) => describeDomain(domain, uuid)));
      found.push({ problem: null, isThisHost: hostUuid(there) === own, machine });
    }),
  );
  return found[0] ?? { problem: problem ?? NO_DOMAIN_ERROR };
}

function withDomainAt<T>(there: Connect, uuid: string, use: (domain: Domain) => T): T {
  const domain = checked(vir.lookup(there, uuid));
  try {
    return use(domain);
  } finally {
    vir.freeDomain(domain);
  }
}

/** libvirt's own test of whether two connections lead to one host. */
function hostUuid(connect: Connect): string {
  return /<host>\s*<uuid>([^<]*)<\/uuid>/.exec(checked(machines.capabilities(connect)))?.[1] ?? '';
}

function migrate(domain: Domain, request: MachineCallArguments['migrate']): void {
  const parameters: Record<string, string> = { persistent_xml: request.persistentXml };
  if (request.streamUri !== null) parameters['migrate_uri'] = request.streamUri;
  const flags = MIGRATE_FLAGS | (request.isUnsafe ? MIGRATE_UNSAFE : 0) | (request.isEncrypted ? MIGRATE_TLS : 0);
  withConnection(request.uri, (there) => {
    checked(vir.setKeepAlive(there, 5, 3));
    withParameters(parameters, (list, count) => {
      vir.freeDomain(checked(machines.migrate(domain, there, list, count, flags)));
    });
  });
}

function withParameters(values: Record<string, string>, use: (list: TypedParameters | null, count: number) => void): void {
  const list: [TypedParameters | null] = [null];
  const count: [number] = [0];
  const room: [number] = [0];
  try {
    for (const [name, value] of Object.entries(values)) checked(machines.addParameter(list, count, room, name, value));
    use(list[0], count[0]);
  } finally {
    if (list[0] !== null) machines.freeParameters(list[0], count[0]);
  }
}

/** virDomainJobInfo: type at 0 (1 bounded, 2 unbounded), then 8-byte numbers; dataTotal at 24, dataProcessed at 32. */
function migrationProgress(domain: Domain): { bytesDone: number; bytesTotal: number } | null {
  const info = Buffer.alloc(JOB_INFO_BYTES);
  checked(vir.jobInfo(domain, info));
  const type = info.readInt32LE(0);
  if (type !== 1 && type !== 2) return null;
  return { bytesTotal: Number(info.readBigUInt64LE(24)), bytesDone: Number(info.readBigUInt64LE(32)) };
}
