import { readDefinition } from '../definition/domain-xml.js';
import { spelledChains } from '../definition/spelled-chains.js';
import { CommandProblem } from '../failure.js';
import type { Hypervisor, MachineFacts } from '../hypervisor/port.js';
import { runProgram } from '../hypervisor/qemu-storage/run-program.js';
import { canonicalOrSame } from './expected-chain.js';

const LOCK_PROBE_MS = 20_000;

/** A disk of a machine of this host. */
export interface Holder {
  readonly path: string;
  readonly machineUuid: string;
  readonly target: string;
}

/** All machines of this host; one that goes away meanwhile is left out. */
export async function machinesOfHost(hypervisor: Hypervisor): Promise<MachineFacts[]> {
  const machines: MachineFacts[] = [];
  for (const uuid of await hypervisor.listMachines()) {
    try {
      machines.push(await hypervisor.describeMachine(uuid));
    } catch (error) {
      if (!(error instanceof CommandProblem) || error.code !== 'NOT_FOUND') throw error;
    }
  }
  return machines;
}

/** The first disk of these machines, live or persistent, that is on one of these files (canonical paths); null if none is. */
export async function whoIsOn(machines: readonly MachineFacts[], paths: ReadonlySet<string>): Promise<Holder | null> {
  for (const { uuid, liveXml, inactiveXml } of machines) {
    for (const { target, file } of [liveXml, inactiveXml].flatMap((xml) => (xml === null ? [] : readDefinition(xml).disks))) {
      const path = file === null ? null : await canonicalOrSame(file);
      if (path !== null && paths.has(path)) return { path, machineUuid: uuid, target };
    }
  }
  return null;
}

/** The first disk that has one of these files open anywhere in its chain, as libvirt tells it; null if none has. */
export async function whoHasOpen(machines: readonly MachineFacts[], paths: ReadonlySet<string>): Promise<Holder | null> {
  for (const { uuid, liveXml } of machines) {
    for (const [target, files] of liveXml === null ? [] : spelledChains(liveXml)) {
      for (const path of await Promise.all(files.map((file) => canonicalOrSame(file))))
        if (paths.has(path)) return { path, machineUuid: uuid, target };
    }
  }
  return null;
}

/**
 * Whether a process writes this image. qemu-img without -U asks for the image's lock: a QEMU that writes the file, known to libvirt or not,
 * holds it (lab.md, t-race 4); one that only reads it as a layer does not.
 */
export async function isWrittenNow(path: string, format: string): Promise<boolean> {
  const end = await runProgram('qemu-img', ['info', '-f', format, '--output=json', path], LOCK_PROBE_MS);
  return /Failed to get (shared )?".*" lock/i.test(end.stderr);
}
