/** libvirt's functions on block jobs. Rules as in ffi.ts. */
import koffi from 'koffi';
import type { Domain } from './ffi.js';

const libvirt = koffi.load('libvirt.so.0');

/** Signatures are libvirt's public headers of 9.0. The types that they name are registered by ffi.ts. */
export const blockJobFunctions = {
  commit: libvirt.func(
    'int virDomainBlockCommit(virDomain *d, const char *disk, const char *base, const char *top, unsigned long bandwidth, unsigned int flags)',
  ) as (...args: [Domain, string, string, string, number, number]) => number,
  rebase: libvirt.func(
    'int virDomainBlockRebase(virDomain *d, const char *disk, const char *base, unsigned long bandwidth, unsigned int flags)',
  ) as (...args: [Domain, string, string | null, number, number]) => number,
  abort: libvirt.func('int virDomainBlockJobAbort(virDomain *d, const char *disk, unsigned int flags)') as (
    ...args: [Domain, string, number]
  ) => number,
};
