/** What a host shows of a machine becomes the record: power, guest agent, sizes, and drift where the disks are not as recorded. */
import type { InventoryMachine } from '@coppice/protocol';
import { hostActor } from '../events/actor-record.js';
import { holderOf, resourceOf } from '../operations/claim.store.js';
import type { Transaction } from '../platform/database.js';
import { compareDisks, type Finding, findStrangeThings } from './compare-inventory.js';
import { insertFoundMachine } from './found-machine.store.js';
import {
  findMachineByDomain,
  type InventorySource,
  machinesOfHost,
  readDrift,
  readRecordedDisks,
  setDrift,
  setPower,
  updateDiskSizes,
  updateFacts,
} from './inventory.store.js';
import { lockMachine, type MachineRow, moveMachine, restingState, tellOfMachine } from './machine.store.js';

/** One machine as it was at a position of the host's journal. */
type MachineSeen = { machine: InventoryMachine; position: bigint };

/**
 * Records it. Ignored beside an active operation, and where a later result or inventory is recorded: then it says nothing about now. A
 * machine that another host is recorded to have is left alone, unless that host has it no more. One seen for the first time belongs to no
 * project yet.
 */
export async function recordMachine(transaction: Transaction, from: InventorySource, seen: MachineSeen): Promise<void> {
  const known = await findMachineByDomain(transaction, seen.machine.uuid);
  if (!known) {
    await insertFoundMachine(transaction, from, { ...seen, findings: findStrangeThings(seen.machine) });
    return;
  }
  const machine = await lockMachine(transaction, known.id);
  if (!machine || machine.state === 'DESTROYED' || (await holderOf(transaction, [resourceOf.machine(machine.id)])) !== null) return;
  if (machine.hostId !== from.hostId) {
    await recordElsewhere(transaction, from, { machine, seen: seen.machine });
    return;
  }
  if (machine.inventoryPosition > seen.position) return;
  const moved = await recordPower(transaction, from, { machine, seen: seen.machine });
  const recorded = await readRecordedDisks(transaction, machine.id);
  const findings = [...findStrangeThings(seen.machine), ...compareDisks(recorded, seen.machine)];
  await recordDrift(transaction, from, { machine: moved, findings, seen: seen.machine });
  await updateFacts(transaction, machine, seen);
  if (findings.length === 0) await updateDiskSizes(transaction, machine.id, seen.machine);
}

/**
 * Machines of the host that its complete inventory does not name: they are gone from it. Machines with an active operation, or with a later
 * result, are left alone. Answers libvirt's UUIDs of those that were not known to be gone: a machine that has just come (migrated) is
 * missed by a list that was made before it did, so the host is to look at each again.
 */
export async function recordGoneMachines(
  transaction: Transaction,
  from: InventorySource,
  list: { machineUuids: readonly string[]; position: bigint },
): Promise<string[]> {
  const present = new Set(list.machineUuids);
  const gone: string[] = [];
  for (const known of await machinesOfHost(transaction, from.hostId)) {
    if (present.has(known.domainUuid)) continue;
    const machine = await lockMachine(transaction, known.id);
    if (!machine || machine.hostId !== from.hostId || machine.inventoryPosition > list.position) continue;
    if ((await holderOf(transaction, [resourceOf.machine(machine.id)])) !== null) continue;
    if (readDrift(machine)?.findings.some(({ code }) => code === 'DOMAIN_MISSING')) continue;
    await recordGone(transaction, from, machine);
    gone.push(known.domainUuid);
  }
  return gone;
}

/** Findings that say that the recorded host does not run the machine: only then is one that turns up elsewhere the same. */
const NOT_THERE: ReadonlySet<string> = new Set(['DOMAIN_MISSING', 'HOST_ABANDONED']);

/** Another host than the recorded one shows the machine: shown, and to be adopted, where the recorded one has it no more. */
async function recordElsewhere(transaction: Transaction, from: InventorySource, { machine, seen }: Both): Promise<void> {
  const known = readDrift(machine);
  const gone = known?.findings.find(({ code }) => NOT_THERE.has(code));
  if (!known || !gone) return;
  const message = `The host ${from.hostName} has this machine now. Adopting records it there.`;
  const elsewhere = { code: 'ON_OTHER_HOST', message, volumeId: null, path: null, repairable: true };
  await recordDrift(transaction, from, { machine, findings: [gone, elsewhere], seen, seenOn: from.hostId });
}

async function recordGone(transaction: Transaction, from: InventorySource, machine: MachineRow): Promise<void> {
  const message = 'The host does not have this machine any more.';
  const finding = { code: 'DOMAIN_MISSING', message, volumeId: null, path: null, repairable: false };
  await recordDrift(transaction, from, { machine, findings: [finding], seen: null });
  if (machine.state === 'UNKNOWN') return;
  await setPower(transaction, machine.id, { power: 'UNKNOWN', guestAgent: 'DISCONNECTED' });
  await moveMachine(transaction, machine, {
    to: 'UNKNOWN',
    event: 'gone',
    reason: message,
    actor: hostActor(from.hostName),
    operationId: null,
  });
}

type Both = { machine: MachineRow; seen: InventoryMachine };

/** Power and guest agent are transitions of the machine; a machine that no operation holds is in the state of its power. */
async function recordPower(transaction: Transaction, from: InventorySource, { machine, seen }: Both): Promise<MachineRow> {
  const move = { actor: hostActor(from.hostName), operationId: null };
  if (machine.powerState !== seen.power || machine.guestAgent !== seen.guestAgent) await setPower(transaction, machine.id, seen);
  const to = restingState(seen.power);
  await moveMachine(transaction, machine, { ...move, to, event: 'power', reason: null });
  const moved = { ...machine, state: to };
  if (machine.guestAgent !== seen.guestAgent) {
    await tellOfMachine(transaction, moved, { ...move, to: null, event: 'guest-agent', reason: seen.guestAgent });
  }
  return moved;
}

type Drifted = { machine: MachineRow; findings: Finding[]; seen: InventoryMachine | null; seenOn?: string };

/**
 * Writes the findings, and says so where they changed: `drift` with the first sentence, `reconciled` when there are none any more. What was
 * seen is kept beside them: reconciling works from it.
 */
async function recordDrift(transaction: Transaction, from: InventorySource, drifted: Drifted): Promise<void> {
  const { machine, findings, seen, seenOn = null } = drifted;
  const known = readDrift(machine);
  const isSame = JSON.stringify(known?.findings ?? []) === JSON.stringify(findings);
  if (isSame && findings.length === 0) return;
  const [first] = findings;
  const detectedAt = (isSame ? known?.detectedAt : null) ?? from.at.toISOString();
  await setDrift(transaction, machine.id, first ? { detectedAt, findings, seen, seenOn } : null);
  if (isSame) return;
  await tellOfMachine(transaction, machine, {
    to: null,
    event: first ? 'drift' : 'reconciled',
    reason: first?.message ?? null,
    actor: hostActor(from.hostName),
    operationId: null,
  });
}
