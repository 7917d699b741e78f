/** Whether and how a drifted machine is brought together with its record. Pure. */
import { chainLink } from '@coppice/protocol';
import { LayerForest } from '@coppice/snapshot-tree';
import { done, type Outcome, type Refusal, refused } from '../../errors/refusal.js';
import { checkRepointed } from '../../vm-snapshots/check-repointed.js';
import { wholeMachine } from '../claimed-by-machine.js';
import { checkDrift, checkFree, checkHost } from '../check-machine.js';
import { managedDisks } from '../compare-inventory.js';
import { type ExpectedDisk, expectedDisks } from '../expected-disks.js';
import { type DriftRecord, readDrift } from '../inventory.store.js';
import type { MachineFacts } from '../machine-facts.store.js';
import { linkOf, poolNameOf } from '../machine-facts.store.js';
import { type Adoption, type AdoptableDisk, planAdoption } from './plan-adoption.js';

/** What is going to be done. `disks`: what the definition is put on, and checked for; `files`: what to claim. */
export type ReconcileDecision = {
  action: 'ADOPT' | 'REPAIR';
  adoption: Adoption;
  disks: ExpectedDisk[];
  dropLibvirtSnapshots: boolean;
  dropManagedSave: boolean;
  files: string[];
  /** The host that has the machine, where it is not the recorded one. */
  hostId: string | null;
};

/** Findings about disks that a definition alone does not mend. */
const DISK_CODES = ['DISK_MISSING', 'DISK_UNKNOWN'];

/** The same checks for both actions, then each one's own. */
export function decideReconcile(action: 'ADOPT' | 'REPAIR', facts: MachineFacts): Outcome<ReconcileDecision> {
  const drift = readDrift(facts.machine);
  const refusal = checkFree(facts) ?? checkRepointed(facts) ?? checkKnown(facts, drift) ?? checkWhere(facts, { drift, action });
  if (refusal) return refused(refusal);
  if (!drift?.seen) throw new Error(`machine ${facts.machine.id} was not shown after that was checked`);
  return action === 'ADOPT' ? adopt(facts, { ...drift, seen: drift.seen }) : repair(facts, drift);
}

/** There is drift, its host has shown the machine, and no image has snapshots inside. */
function checkKnown(facts: MachineFacts, drift: DriftRecord | null): Refusal | null {
  if (!drift) return { code: 'MACHINE_STATE', message: 'The machine is as it is recorded, so there is nothing to reconcile.' };
  if (drift.findings.some(({ code }) => code === 'INTERNAL_SNAPSHOTS')) return checkDrift(facts);
  if (drift.seen) return null;
  const [first] = drift.findings;
  return {
    code: 'MACHINE_DRIFTED',
    message: `${first?.message ?? 'Its host has not shown the machine.'} It is reconciled once its host shows it.`,
  };
}

/** The recorded host must be there; whether another one is, that has the machine now, is looked at when that is recorded. */
function checkWhere(facts: MachineFacts, { drift, action }: { drift: DriftRecord | null; action: 'ADOPT' | 'REPAIR' }): Refusal | null {
  if (!drift?.seenOn) return checkHost(facts, []);
  if (action === 'ADOPT') return null;
  return { code: 'MACHINE_DRIFTED', message: 'Another host has the machine. Adopt that first. Nothing was changed.' };
}

function adopt(
  facts: MachineFacts,
  { seen, seenOn, findings }: DriftRecord & { seen: NonNullable<DriftRecord['seen']> },
): Outcome<ReconcileDecision> {
  const planned = planAdoption(adoptableDisks(facts), seen);
  if (!planned.ok) return planned;
  const disks = managedDisks(seen).map(({ target, chain }) => ({ target, chain: chain.map((layer) => chainLink.parse(layer)) }));
  return done({
    action: 'ADOPT',
    adoption: planned.value,
    disks,
    dropLibvirtSnapshots: findings.some(({ code }) => code === 'LIBVIRT_SNAPSHOTS'),
    dropManagedSave: false,
    files: wholeMachine(facts),
    hostId: seenOn,
  });
}

/** The recorded disks with their chains, in the names of the host. */
function adoptableDisks(facts: MachineFacts): AdoptableDisk[] {
  const forest = new LayerForest(facts.layers);
  return facts.volumes.flatMap(({ id: volumeId, target, headLayerId }) => {
    if (target === null || headLayerId === null) return [];
    const chain = forest.chainOf(headLayerId).map((layer) => linkOf(facts, layer));
    return [{ volumeId, target, pool: poolNameOf(facts, volumeId), chain }];
  });
}

/** What a running machine writes can be changed by a stop alone; and a disk that came or went is no matter of paths. */
function repair(facts: MachineFacts, { findings }: DriftRecord): Outcome<ReconcileDecision> {
  const codes = new Set(findings.map(({ code }) => code));
  const disk = findings.find(({ code }) => DISK_CODES.includes(code));
  if (disk)
    return refused({ code: 'MACHINE_DRIFTED', message: `${disk.message} Repairing adds and removes no disks. Nothing was changed.` });
  if (facts.machine.powerState !== 'OFF' && (codes.has('CHAIN_DIFFERS') || codes.has('MANAGED_SAVE'))) {
    const message =
      'The machine runs on other layers than recorded, which only a stop can change. Stop it first; what it wrote there stays in its files.';
    return refused({ code: 'MACHINE_STATE', message });
  }
  return done({
    action: 'REPAIR',
    adoption: { grown: [], detached: [], found: [] },
    disks: expectedDisks(facts),
    dropLibvirtSnapshots: codes.has('LIBVIRT_SNAPSHOTS'),
    dropManagedSave: codes.has('MANAGED_SAVE'),
    files: wholeMachine(facts),
    hostId: null,
  });
}
