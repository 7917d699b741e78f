import { checked, type Domain, takeList, virFunctions as vir } from './ffi.js';
import type { RawMachine } from './machine-calls.js';

const XML_SECURE = 1;
const XML_INACTIVE = 2;
const XML_MIGRATABLE = 8;

/** All that is said of one domain, in one visit. Throws LibvirtCallError. */
export function describeDomain(domain: Domain, uuid: string): RawMachine {
  const state: [number] = [0];
  const reason: [number] = [0];
  checked(vir.state(domain, state, reason, 0));
  const isActive = checked(vir.isActive(domain)) === 1;
  const isPersistent = checked(vir.isPersistent(domain)) === 1;
  const autostart: [number] = [0];
  if (isPersistent) checked(vir.getAutostart(domain, autostart));
  return {
    uuid,
    state: state[0],
    isActive,
    isPersistent,
    isAutostarted: autostart[0] === 1,
    hasManagedSave: isPersistent && checked(vir.hasManagedSave(domain, 0)) === 1,
    liveXml: isActive ? checked(vir.xml(domain, XML_SECURE)) : null,
    migratableXml: isActive ? checked(vir.xml(domain, XML_SECURE | XML_MIGRATABLE)) : null,
    inactiveXml: isPersistent ? checked(vir.xml(domain, XML_SECURE | XML_INACTIVE)) : null,
    snapshots: names(domain, { list: vir.listSnapshots, name: vir.snapshotName, free: vir.freeSnapshot }),
    checkpoints: names(domain, { list: vir.listCheckpoints, name: vir.checkpointName, free: vir.freeCheckpoint }),
  };
}

interface NamedObjects {
  list: (domain: Domain, out: [unknown], flags: number) => number;
  name: (item: unknown) => string | null;
  free: (item: unknown) => number;
}

function names(domain: Domain, objects: NamedObjects): string[] {
  const list: [unknown] = [null];
  const length = checked(objects.list(domain, list, 0));
  return takeList({ pointer: list[0], length }, { read: (item) => checked(objects.name(item)), free: objects.free });
}
