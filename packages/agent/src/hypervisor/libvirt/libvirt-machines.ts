import type { ChangedDefinitions, MachineChanges } from '../machine-port.js';
import type { CallArguments, CallName } from './calls.js';
import type { ChildLink } from './child-link.js';

/** Longer than libvirt's own 30 s wait for its lock, so that its own error arrives first. */
const CHANGE_DEADLINE_MS = 45_000;

/** The MachineChanges port over libvirt. */
export class LibvirtMachines implements MachineChanges {
  constructor(private readonly link: ChildLink) {}

  askToShutDown(uuid: string): Promise<void> {
    return this.change('shutDown', { uuid }, `ask machine ${uuid} to shut down`);
  }

  resume(uuid: string): Promise<void> {
    return this.change('resume', { uuid }, `let machine ${uuid} go on`);
  }

  attachDisk(uuid: string, xml: string, where: ChangedDefinitions): Promise<void> {
    return this.change('attachDisk', { uuid, xml, ...where }, `attach a disk to machine ${uuid}`);
  }

  detachDisk(uuid: string, xml: string, where: ChangedDefinitions): Promise<void> {
    return this.change('detachDisk', { uuid, xml, ...where }, `detach a disk from machine ${uuid}`);
  }

  undefine(uuid: string): Promise<void> {
    return this.change('undefine', { uuid }, `forget the definition of machine ${uuid}`);
  }

  dropSnapshotRecords(uuid: string): Promise<void> {
    return this.change('dropSnapshotRecords', { uuid }, `forget its own records of machine ${uuid}'s snapshots`);
  }

  managedSaveXml(uuid: string): Promise<string> {
    const doing = `read the managed save image of machine ${uuid}`;
    return this.link.call('managedSaveXml', { uuid }, { doing, deadlineMs: CHANGE_DEADLINE_MS });
  }

  private async change<Name extends CallName>(name: Name, argument: CallArguments[Name], doing: string): Promise<void> {
    await this.link.call(name, argument, { doing, deadlineMs: CHANGE_DEADLINE_MS });
  }
}
