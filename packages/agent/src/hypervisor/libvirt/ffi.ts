/**
 * libvirt's C functions through koffi, called synchronously: virGetLastError is thread-local, so an asynchronous call loses its error.
 * Only processes and threads that may be lost load this file (libvirt-child, thaw-watcher), never the one that holds the journal.
 */
import koffi from 'koffi';

const libvirt = koffi.load('libvirt.so.0');
const libvirtQemu = koffi.load('libvirt-qemu.so.0');
const libc = koffi.load('libc.so.6');

const freeMemory = libc.func('void free(void *p)');
for (const name of ['virConnect', 'virDomain', 'virDomainSnapshot', 'virDomainCheckpoint']) koffi.opaque(name);
/** A `char *` that the caller must free; koffi copies it to a string and frees it at once. */
koffi.disposable('HeapText', 'str', freeMemory);

const virError = koffi.struct('virError', {
  code: 'int',
  domain: 'int',
  message: 'str',
  level: 'int',
  conn: 'void *',
  dom: 'void *',
  str1: 'str',
  str2: 'str',
  str3: 'str',
  int1: 'int',
  int2: 'int',
  net: 'void *',
});

declare const pointerKind: unique symbol;
/** A pointer that libvirt gave; only ever handed back to libvirt. */
export type Pointer<Kind extends string> = { readonly [pointerKind]: Kind };
export type Connect = Pointer<'connect'>;
export type Domain = Pointer<'domain'>;

/** What virGetLastError said right after the call that failed, in the same thread. */
export interface LibvirtProblem {
  readonly code: number;
  readonly domain: number;
  readonly message: string;
}

/** A libvirt call that failed; `problem` is libvirt's own error. Mapped to the agent's words in errors.ts, once. */
export class LibvirtCallError extends Error {
  constructor(readonly problem: LibvirtProblem) {
    super(problem.message);
    this.name = 'LibvirtCallError';
  }
}

type Out<T> = [T];

/** The functions in use. Signatures are libvirt's public headers of 9.0; none changed up to 11. */
export const virFunctions = {
  open: libvirt.func('virConnect *virConnectOpen(const char *uri)') as (uri: string) => Connect | null,
  close: libvirt.func('int virConnectClose(virConnect *c)') as (connect: Connect) => number,
  isAlive: libvirt.func('int virConnectIsAlive(virConnect *c)') as (connect: Connect) => number,
  libraryVersion: libvirt.func('int virConnectGetLibVersion(virConnect *c, _Out_ unsigned long *v)') as (
    c: Connect,
    v: Out<number>,
  ) => number,
  emulatorVersion: libvirt.func('int virConnectGetVersion(virConnect *c, _Out_ unsigned long *v)') as (
    c: Connect,
    v: Out<number>,
  ) => number,
  listDomains: libvirt.func('int virConnectListAllDomains(virConnect *c, _Out_ void **domains, unsigned int flags)') as (
    c: Connect,
    domains: Out<unknown>,
    flags: number,
  ) => number,
  lookup: libvirt.func('virDomain *virDomainLookupByUUIDString(virConnect *c, const char *uuid)') as (
    c: Connect,
    uuid: string,
  ) => Domain | null,
  freeDomain: libvirt.func('int virDomainFree(virDomain *d)') as (domain: Domain) => number,
  uuid: libvirt.func('int virDomainGetUUIDString(virDomain *d, void *buffer)') as (domain: Domain, buffer: Buffer) => number,
  state: libvirt.func('int virDomainGetState(virDomain *d, _Out_ int *state, _Out_ int *reason, unsigned int flags)') as (
    ...args: [Domain, Out<number>, Out<number>, number]
  ) => number,
  isActive: libvirt.func('int virDomainIsActive(virDomain *d)') as (domain: Domain) => number,
  isPersistent: libvirt.func('int virDomainIsPersistent(virDomain *d)') as (domain: Domain) => number,
  getAutostart: libvirt.func('int virDomainGetAutostart(virDomain *d, _Out_ int *on)') as (domain: Domain, on: Out<number>) => number,
  setAutostart: libvirt.func('int virDomainSetAutostart(virDomain *d, int on)') as (domain: Domain, on: number) => number,
  hasManagedSave: libvirt.func('int virDomainHasManagedSaveImage(virDomain *d, unsigned int flags)') as (
    d: Domain,
    flags: number,
  ) => number,
  xml: libvirt.func('HeapText virDomainGetXMLDesc(virDomain *d, unsigned int flags)') as (domain: Domain, flags: number) => string | null,
  defineXml: libvirt.func('virDomain *virDomainDefineXML(virConnect *c, const char *xml)') as (c: Connect, xml: string) => Domain | null,
  destroy: libvirt.func('int virDomainDestroyFlags(virDomain *d, unsigned int flags)') as (domain: Domain, flags: number) => number,
  suspend: libvirt.func('int virDomainSuspend(virDomain *d)') as (domain: Domain) => number,
  start: libvirt.func('int virDomainCreateWithFlags(virDomain *d, unsigned int flags)') as (domain: Domain, flags: number) => number,
  removeManagedSave: libvirt.func('int virDomainManagedSaveRemove(virDomain *d, unsigned int flags)') as (
    domain: Domain,
    flags: number,
  ) => number,
  restore: libvirt.func('int virDomainRestoreFlags(virConnect *c, const char *from, const char *xml, unsigned int flags)') as (
    ...args: [Connect, string, string, number]
  ) => number,
  listSnapshots: libvirt.func('int virDomainListAllSnapshots(virDomain *d, _Out_ void **list, unsigned int flags)') as (
    d: Domain,
    list: Out<unknown>,
    flags: number,
  ) => number,
  snapshotName: libvirt.func('const char *virDomainSnapshotGetName(virDomainSnapshot *s)') as (snapshot: unknown) => string | null,
  freeSnapshot: libvirt.func('int virDomainSnapshotFree(virDomainSnapshot *s)') as (snapshot: unknown) => number,
  createSnapshot: libvirt.func('virDomainSnapshot *virDomainSnapshotCreateXML(virDomain *d, const char *xml, unsigned int flags)') as (
    domain: Domain,
    xml: string,
    flags: number,
  ) => Pointer<'snapshot'> | null,
  listCheckpoints: libvirt.func('int virDomainListAllCheckpoints(virDomain *d, _Out_ void **list, unsigned int flags)') as (
    d: Domain,
    list: Out<unknown>,
    flags: number,
  ) => number,
  checkpointName: libvirt.func('const char *virDomainCheckpointGetName(virDomainCheckpoint *s)') as (checkpoint: unknown) => string | null,
  freeCheckpoint: libvirt.func('int virDomainCheckpointFree(virDomainCheckpoint *s)') as (checkpoint: unknown) => number,
  jobInfo: libvirt.func('int virDomainGetJobInfo(virDomain *d, void *info)') as (domain: Domain, info: Buffer) => number,
  blockJobInfo: libvirt.func('int virDomainGetBlockJobInfo(virDomain *d, const char *disk, void *info, unsigned int flags)') as (
    ...args: [Domain, string, Buffer, number]
  ) => number,
  agentCommand: libvirtQemu.func('HeapText virDomainQemuAgentCommand(virDomain *d, const char *cmd, int timeout, unsigned int flags)') as (
    ...args: [Domain, string, number, number]
  ) => string | null,
  monitorCommand: libvirtQemu.func(
    'int virDomainQemuMonitorCommand(virDomain *d, const char *cmd, _Out_ HeapText *result, unsigned int flags)',
  ) as (...args: [Domain, string, Out<string | null>, number]) => number,
  setErrorFunction: libvirt.func('void virSetErrorFunc(void *u, void *f)') as (user: null, callback: bigint) => void,
  registerEventLoop: libvirt.func('int virEventRegisterDefaultImpl()') as () => number,
  runEventLoop: libvirt.func('int virEventRunDefaultImpl()') as () => number,
  addTimeout: libvirt.func('int virEventAddTimeout(int ms, void *cb, void *opaque, void *free)') as (
    ...args: [number, bigint, null, null]
  ) => number,
  registerEvent: libvirt.func(
    'int virConnectDomainEventRegisterAny(virConnect *c, void *d, int id, void *cb, void *opaque, void *free)',
  ) as (...args: [Connect, null, number, bigint, null, null]) => number,
  registerClose: libvirt.func('int virConnectRegisterCloseCallback(virConnect *c, void *cb, void *opaque, void *free)') as (
    ...args: [Connect, bigint, null, null]
  ) => number,
  setKeepAlive: libvirt.func('int virConnectSetKeepAlive(virConnect *c, int seconds, unsigned int count)') as (
    c: Connect,
    seconds: number,
    count: number,
  ) => number,
};

const getLastError = libvirt.func('virError *virGetLastError()') as () => unknown;

/** Returns what the call returned, or throws the error that libvirt left for this thread. Call it in the same tick. */
export function checked<T extends number | object | string>(result: T | null): T {
  if (result !== null && result !== -1) return result;
  const pointer = getLastError();
  if (pointer === null) throw new LibvirtCallError({ code: -1, domain: -1, message: 'libvirt failed and said nothing' });
  const error = koffi.decode(pointer, virError) as { code: number; domain: number; message: string | null };
  throw new LibvirtCallError({ code: error.code, domain: error.domain, message: error.message ?? `libvirt error ${error.code}` });
}

/** Takes over an array of objects that libvirt allocated: reads each, frees each, frees the array. */
export function takeList<T>(
  list: { pointer: unknown; length: number },
  each: { read: (item: unknown) => T; free: (item: unknown) => number },
): T[] {
  if (list.pointer === null || list.pointer === undefined) return [];
  try {
    const items = list.length === 0 ? [] : (koffi.decode(list.pointer, koffi.array('void *', list.length)) as unknown[]);
    const results = items.map((item) => each.read(item));
    for (const item of items) each.free(item);
    return results;
  } finally {
    freeMemory(list.pointer);
  }
}

/** libvirt prints every error to stderr unless a function takes them; we read them ourselves. */
export function silenceLibvirt(): void {
  const prototype = koffi.proto('void LibvirtErrorFunction(void *user, void *error)');
  virFunctions.setErrorFunction(
    null,
    koffi.register(() => undefined, koffi.pointer(prototype)),
  );
}
