/** libvirt's functions on a machine as a whole: its devices, its definition, its migration. Rules as in ffi.ts. */
import koffi from 'koffi';
import type { Connect, Domain, Pointer } from './ffi.js';

const libvirt = koffi.load('libvirt.so.0');

/** An array of virTypedParameter that libvirt allocated. */
export type TypedParameters = Pointer<'typed-parameters'>;
type InOut<T> = [T];

/** Signatures are libvirt's public headers of 9.0. The types that they name are registered by ffi.ts. */
export const machineFunctions = {
  shutDown: libvirt.func('int virDomainShutdownFlags(virDomain *d, unsigned int flags)') as (domain: Domain, flags: number) => number,
  resume: libvirt.func('int virDomainResume(virDomain *d)') as (domain: Domain) => number,
  attachDevice: libvirt.func('int virDomainAttachDeviceFlags(virDomain *d, const char *xml, unsigned int flags)') as (
    ...args: [Domain, string, number]
  ) => number,
  detachDevice: libvirt.func('int virDomainDetachDeviceFlags(virDomain *d, const char *xml, unsigned int flags)') as (
    ...args: [Domain, string, number]
  ) => number,
  undefine: libvirt.func('int virDomainUndefineFlags(virDomain *d, unsigned int flags)') as (domain: Domain, flags: number) => number,
  managedSaveXml: libvirt.func('HeapText virDomainManagedSaveGetXMLDesc(virDomain *d, unsigned int flags)') as (
    domain: Domain,
    flags: number,
  ) => string | null,
  lookupSnapshot: libvirt.func('virDomainSnapshot *virDomainSnapshotLookupByName(virDomain *d, const char *name, unsigned int flags)') as (
    ...args: [Domain, string, number]
  ) => Pointer<'snapshot'> | null,
  deleteSnapshot: libvirt.func('int virDomainSnapshotDelete(virDomainSnapshot *s, unsigned int flags)') as (
    snapshot: Pointer<'snapshot'>,
    flags: number,
  ) => number,
  capabilities: libvirt.func('HeapText virConnectGetCapabilities(virConnect *c)') as (connect: Connect) => string | null,
  migrate: libvirt.func(
    'virDomain *virDomainMigrate3(virDomain *d, virConnect *to, void *params, unsigned int count, unsigned int flags)',
  ) as (...args: [Domain, Connect, TypedParameters | null, number, number]) => Domain | null,
  abortJob: libvirt.func('int virDomainAbortJob(virDomain *d)') as (domain: Domain) => number,
  addParameter: libvirt.func(
    'int virTypedParamsAddString(_Inout_ void **params, _Inout_ int *count, _Inout_ int *room, const char *name, const char *value)',
  ) as (...args: [InOut<TypedParameters | null>, InOut<number>, InOut<number>, string, string]) => number,
  freeParameters: libvirt.func('void virTypedParamsFree(void *params, int count)') as (params: TypedParameters, count: number) => void,
};
