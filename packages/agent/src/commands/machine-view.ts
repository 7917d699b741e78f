import { type Definition, readDefinition } from '../definition/domain-xml.js';
import { CommandProblem } from '../failure.js';
import type { Hypervisor, MachineFacts } from '../hypervisor/port.js';

/** A machine that commands may work on: persistent, without snapshots of libvirt's own. `inForce`: live while it is on, else persistent. */
export interface MachineView {
  readonly facts: MachineFacts;
  readonly inactiveXml: string;
  readonly inactive: Definition;
  readonly inForce: Definition;
}

/** Looks at a machine. Throws NOT_FOUND, MACHINE_STATE (transient), MIXED_SNAPSHOT_KINDS. */
export async function viewMachine(hypervisor: Hypervisor, uuid: string): Promise<MachineView> {
  const view = await viewAnyMachine(hypervisor, uuid);
  const { snapshots } = view.facts;
  if (snapshots.length > 0) throw mixedKinds(`Machine ${uuid} has snapshots of libvirt's own (${snapshots.slice(0, 5).join(', ')})`);
  return view;
}

/** The same for what does a machine with libvirt's own snapshots no harm. Throws NOT_FOUND, MACHINE_STATE (transient). */
export async function viewAnyMachine(hypervisor: Hypervisor, uuid: string): Promise<MachineView> {
  const facts = await hypervisor.describeMachine(uuid);
  if (facts.inactiveXml === null) {
    throw new CommandProblem({
      code: 'MACHINE_STATE',
      message: `Machine ${uuid} is transient: it has no definition that outlives it. Nothing was changed.`,
      hint: 'Define it persistently (virsh define), then try again.',
    });
  }
  const inactive = readDefinition(facts.inactiveXml);
  const inForce = facts.liveXml === null ? inactive : readDefinition(facts.liveXml);
  return { facts, inactiveXml: facts.inactiveXml, inactive, inForce };
}

/** libvirt's snapshot objects and ours do not mix: its delete merges files that our branches read (kvm.md §1). */
export function mixedKinds(what: string): CommandProblem {
  return new CommandProblem({
    code: 'MIXED_SNAPSHOT_KINDS',
    message: `${what}, which do not mix with Coppice's tree. Nothing was changed.`,
    hint: 'Delete them with virsh, or adopt them by reconciling the machine.',
  });
}

/** The machine is not what the record says; nothing was changed. */
export function drifted(message: string): CommandProblem {
  return new CommandProblem({
    code: 'MACHINE_DRIFTED',
    message: `${message} Nothing was changed.`,
    hint: 'Reconcile the machine, then try again.',
  });
}
