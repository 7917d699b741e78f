import { CommandProblem } from '../../failure.js';
import { canonicalOrSame } from '../expected-chain.js';
import { requireDisks } from '../expected-disks.js';
import { drifted, type MachineView } from '../machine-view.js';
import { requireNoJob } from '../require-idle.js';
import { requireNoManagedSave } from '../require-no-managed-save.js';
import type { Move } from './migrate-machine.js';

/** Pools whose files are the same files on the other host. */
const SHARED = ['SHARED_MOUNT_POINT', 'NFS'];

/** Throws unless the machine can go as it is, and the destination answers. Nothing is changed. */
export async function requireMigratable(move: Move, view: MachineView): Promise<void> {
  const { facts } = view;
  if (facts.power === 'UNKNOWN') {
    throw new CommandProblem({
      code: 'MACHINE_STATE',
      retryable: true,
      message: `Machine ${facts.uuid} is between two states. Nothing was changed.`,
      hint: 'Try again when it has settled.',
    });
  }
  await requireDisks(view, move.disks);
  await poolTypesOf(move, view);
  requireNoManagedSave(view);
  if (facts.power === 'OFF') requireNothingElse(view);
  await requireNoJob(move.context.hypervisor, view);
  await requireDestination(move);
}

/**
 * The types of the pools that the machine's files are in: of every disk of both definitions, and of every layer below the recorded heads. Throws
 * POOL_UNSUPPORTED for a file that the destination may not see.
 */
export async function poolTypesOf({ context, disks }: Move, { inForce, inactive, facts }: MachineView): Promise<Set<string>> {
  const files = [inForce, inactive].flatMap((definition) => definition.disks.map(({ file }) => file));
  const paths = new Set(disks.flatMap(({ chain }) => chain.map(({ path }) => path)));
  for (const file of files) if (file !== null) paths.add(await canonicalOrSame(file));
  const types = new Set<string>();
  for (const path of paths) {
    const { pool } = await context.pools.placeOf(path);
    const type = context.pools.pools.find(({ name }) => name === pool)?.type ?? null;
    if (type === null || !SHARED.includes(type)) {
      throw new CommandProblem({
        code: 'POOL_UNSUPPORTED',
        message: `Machine ${facts.uuid} cannot leave its host: ${path} is in no pool that hosts share. Nothing was changed.`,
        hint: 'Move the volume to a shared pool first, or take the medium out of the drive.',
      });
    }
    types.add(type);
  }
  return types;
}

/** A stopped machine's UEFI variables and TPM state are files of this host; only a running machine takes them along. */
function requireNothingElse({ inactive, inactiveXml, facts }: MachineView): void {
  const what = inactive.nvramPath === null ? (/<tpm[\s>]/.test(inactiveXml) ? 'a TPM' : null) : 'UEFI variables';
  if (what === null) return;
  throw new CommandProblem({
    code: 'CAPABILITY_DISABLED',
    message: `Machine ${facts.uuid} has ${what}, which a stopped machine cannot take along. Nothing was changed.`,
    hint: 'Start the machine and migrate it running.',
  });
}

async function requireDestination({ machineUuid, destination, context }: Move): Promise<void> {
  const there = await context.hypervisor.migrations.lookAt(destination.uri, machineUuid);
  if (!there.isReached) throw unreachable(destination.uri, there.problem);
  if (there.isThisHost) {
    throw new CommandProblem({
      code: 'MACHINE_STATE',
      message: `${destination.uri} is the host that machine ${machineUuid} is on. Nothing was changed.`,
      hint: 'Give each host a libvirt host_uuid and a migrationUri of its own.',
    });
  }
  if (there.machine !== null && there.machine.liveXml !== null)
    throw drifted(`Machine ${machineUuid} is here, and runs at ${destination.uri}, too.`);
}

/** The destination does not answer; nothing was changed. */
export function unreachable(uri: string, problem: string): CommandProblem {
  return new CommandProblem({
    code: 'HOST_UNAVAILABLE',
    retryable: true,
    message: `The libvirt at ${uri} cannot be reached from this host: ${problem}. Nothing was changed.`,
    hint: 'Check the network, the certificates or keys of this host, and that libvirtd runs there.',
  });
}
