/**
 * What a host shows against what is recorded, as findings in sentences: pure. No finding means that they are the same, layer by layer.
 * A finding of the first table needs no record; those of the second compare with one.
 *
 *   LIBVIRT_SNAPSHOTS   libvirt has snapshot objects of its own      CHAIN_DIFFERS    the files of a disk are not the recorded ones
 *   INTERNAL_SNAPSHOTS  an image has snapshots inside                DISK_UNKNOWN     the machine has a disk that is not recorded
 *   CHAIN_UNREADABLE    the chain could not be read to its end       DISK_MISSING     a recorded disk is not there
 *   OUTSIDE_POOLS       a file lies in none of the host's pools
 *   IMAGE_UNSUPPORTED   neither qcow2 nor raw, or a passed-through device
 *   DEFINITION_DIFFERS  the persistent definition names another file than the running machine uses
 *   NOT_PERSISTENT      the machine is forgotten when it stops
 *   MANAGED_SAVE        a saved memory image waits that fits only the present disks
 */
import type { InventoryDisk, InventoryMachine } from '@coppice/protocol';
import { countOf } from '../errors/count-of.js';
import { assertNever } from '../platform/assert-never.js';
import { type ChainComparison, compareChains } from './compare-chains.js';

/** One difference, as it is stored and shown; `path` is for ADMIN only. */
export type Finding = { code: string; message: string; volumeId: string | null; path: string | null; repairable: boolean };

/** One link of a chain. */
export type Link = { pool: string; fileName: string };

/** A recorded disk: its chain, head first. */
export type RecordedDisk = { volumeId: string; target: string; chain: readonly Link[] };

/** Disks that Coppice looks after: writable ones with a file. Installation media and floppies are not. */
export function managedDisks(machine: InventoryMachine): InventoryDisk[] {
  return machine.disks.filter((disk) => (disk.device === 'disk' || disk.device === 'lun') && !disk.readOnly);
}

/** Findings that a machine has by itself, recorded or not. */
export function findStrangeThings(machine: InventoryMachine): Finding[] {
  const findings: Finding[] = [];
  const tell = (code: string, message: string, repairable = false) =>
    findings.push({ code, message, volumeId: null, path: null, repairable });
  if (machine.libvirtSnapshots.length > 0) {
    tell(
      'LIBVIRT_SNAPSHOTS',
      `libvirt keeps ${countOf(machine.libvirtSnapshots.length, 'snapshot')} of its own for this machine, made with other tools. Adopting or repairing makes it forget that.`,
      true,
    );
  }
  if (!machine.persistent) tell('NOT_PERSISTENT', 'The machine has no persistent definition: the host forgets it when it stops.');
  if (machine.hasManagedSave)
    tell(
      'MANAGED_SAVE',
      'A saved state of the machine waits on the host and fits only the disks as they are. A start resumes it, repairing drops it.',
      true,
    );
  for (const disk of managedDisks(machine)) findings.push(...findStrangeDisk(disk));
  return findings;
}

function findStrangeDisk(disk: InventoryDisk): Finding[] {
  const findings: Finding[] = [];
  const tell = (code: string, message: string, path: string | null) =>
    findings.push({ code, message: `Disk ${disk.target}: ${message}`, volumeId: null, path, repairable: code === 'DEFINITION_DIFFERS' });
  const [head] = disk.chain;
  if (disk.device === 'lun') tell('IMAGE_UNSUPPORTED', 'it is a device that is passed through.', null);
  if (disk.problem !== null) tell('CHAIN_UNREADABLE', disk.problem, head?.fileName ?? null);
  if (disk.persistentFileName !== null) {
    tell(
      'DEFINITION_DIFFERS',
      'the persistent definition names another file than the running machine uses. Adopting or repairing puts it right.',
      disk.persistentFileName,
    );
  }
  for (const layer of disk.chain) {
    if (layer.pool === null) tell('OUTSIDE_POOLS', 'a file of it lies in none of the pools of the host.', layer.fileName);
    if (layer.format !== 'qcow2' && layer.format !== 'raw')
      tell('IMAGE_UNSUPPORTED', `an image of it has the format ${layer.format}.`, layer.fileName);
    if (layer.internalSnapshots > 0) {
      tell(
        'INTERNAL_SNAPSHOTS',
        `an image of it has ${countOf(layer.internalSnapshots, 'snapshot')} inside, made with other tools.`,
        layer.fileName,
      );
    }
  }
  return findings;
}

/** Findings against the record. */
export function compareDisks(recorded: readonly RecordedDisk[], machine: InventoryMachine): Finding[] {
  const seen = new Map(managedDisks(machine).map((disk) => [disk.target, disk]));
  const findings: Finding[] = [];
  for (const disk of recorded) {
    const found = seen.get(disk.target);
    seen.delete(disk.target);
    const finding = found ? compareChain(disk, found) : missing(disk);
    if (finding) findings.push(finding);
  }
  for (const disk of seen.values()) {
    const message = `Disk ${disk.target} is not recorded: it was attached with other tools. Adopting takes it over.`;
    findings.push({ code: 'DISK_UNKNOWN', message, volumeId: null, path: disk.chain[0]?.fileName ?? null, repairable: true });
  }
  return findings;
}

function missing(disk: RecordedDisk): Finding {
  const message = `Disk ${disk.target} is recorded, and the machine does not have it. Adopting detaches the volume; its files stay.`;
  return { code: 'DISK_MISSING', message, volumeId: disk.volumeId, path: disk.chain[0]?.fileName ?? null, repairable: true };
}

function compareChain(recorded: RecordedDisk, seen: InventoryDisk): Finding | null {
  const compared = compareChains(recorded.chain, seen.chain);
  if (compared.kind === 'SAME') return null;
  const names = (chain: readonly { fileName: string }[]) => chain.map((link) => link.fileName).join(' ← ') || 'nothing';
  return {
    code: 'CHAIN_DIFFERS',
    message: `Disk ${recorded.target} ${sentenceOf(compared)}`,
    volumeId: recorded.volumeId,
    path: `${names(seen.chain)} (recorded: ${names(recorded.chain)})`,
    repairable: true,
  };
}

function sentenceOf(compared: Exclude<ChainComparison, { kind: 'SAME' }>): string {
  switch (compared.kind) {
    case 'GROWN':
      return `has ${countOf(compared.onTop, 'layer')} over the recorded ones, made with other tools. Adopting takes that over; nothing is lost.`;
    case 'EXCHANGED':
      return 'is another disk than recorded. Adopting takes it over and detaches the recorded volume, whose files stay.';
    case 'DIFFERENT':
      return 'has other layers than recorded. Repairing puts the stopped machine back on the recorded ones; no file is removed.';
    default:
      return assertNever(compared);
  }
}
