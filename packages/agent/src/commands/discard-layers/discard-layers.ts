/**
 * discard-layers: removes layer files that nobody reads any more, and what was kept of snapshots that are gone. Must never remove a file
 * that a definition or another layer names, that is open in a QEMU, that lies outside its pool, or that has a second name.
 */
import { lstat, readdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { CommandResult } from '@coppice/protocol';
import { CommandProblem, hasErrorCode } from '../../failure.js';
import { withSources } from '../../definition/domain-xml.js';
import { spelledChains } from '../../definition/spelled-chains.js';
import type { Hypervisor, MachineFacts } from '../../hypervisor/port.js';
import { removeFile } from '../../hypervisor/qemu-storage/create-overlay.js';
import { readImage } from '../../hypervisor/qemu-storage/image-file.js';
import { ImageProblem } from '../../hypervisor/qemu-storage/qcow2-header.js';
import { onStorage } from '../../hypervisor/qemu-storage/storage-gate.js';
import { backingPathOf } from '../../hypervisor/qemu-storage/walk-chain.js';
import { type CommandContext, told } from '../context.js';
import { isWrittenNow, machinesOfHost, whoHasOpen, whoIsOn } from '../who-has.js';

type Body = Extract<CommandContext['command']['body'], { verb: 'discard-layers' }>;

/** A folder with more layers than this is not scanned, and nothing in it is discarded. */
const MAX_LAYERS_IN_POOL = 50_000;
/** Names that Coppice gives. Others are of machines that were there before it, or were adopted, and are taken at their recorded word. */
const OWN_LAYER = /^volume-(.*)\.[0-9]+\.qcow2$/;
const OWN_SNAPSHOT_FILE = /^snapshot-.*\.(mem|nvram)$/;

interface Doomed {
  readonly path: string;
  readonly fileName: string;
}

/** Checks all files before it removes the first. A file that is gone already is success. */
export async function discardLayers(body: Body, context: CommandContext): Promise<CommandResult> {
  const layers = await layersOf(body, context);
  const kept = await Promise.all(
    body.snapshotFiles.map(async ({ pool, fileName }) => ({ path: await context.pools.pathOf(pool, fileName), fileName })),
  );
  const presentLayers = await presentOf(layers);
  const presentKept = await presentOf(kept);
  const machines = presentLayers.length === 0 ? [] : await machinesOfHost(context.hypervisor);
  await requireUnused(machines, presentLayers);
  await requireUnread(presentLayers);
  for (const { path } of presentLayers)
    if (await isWrittenNow(path, 'qcow2')) throw inUse(path, 'MACHINE_BUSY', 'a running process of this host has it open');
  await forgetExplicitChains(context.hypervisor, machines, presentLayers);
  for (const { path } of presentLayers) await discard(path, 'DISCARD_LAYER', context);
  for (const { path } of presentKept) await discard(path, 'DISCARD_MEMORY', context);
  context.crash('discard-layers/before-finished-record');
  return { verb: 'discard-layers', discarded: [...layers, ...kept].map(({ fileName }) => fileName) };
}

async function layersOf({ layers }: Body, { pools }: CommandContext): Promise<Doomed[]> {
  const doomed: Doomed[] = [];
  for (const { volumeId, pool, fileName } of layers) {
    if ((OWN_LAYER.exec(fileName)?.[1] ?? volumeId) !== volumeId) throw refusal(fileName, `it is not a layer of volume ${volumeId}`);
    doomed.push({ path: await pools.pathOf(pool, fileName), fileName });
  }
  return doomed;
}

async function discard(path: string, step: 'DISCARD_LAYER' | 'DISCARD_MEMORY', context: CommandContext): Promise<void> {
  await context.note('discarding', { path });
  await told(context, step, () => removeFile(path));
  context.crash('discard-layers/after-first-file');
}

async function presentOf(files: readonly Doomed[]): Promise<Doomed[]> {
  const present: Doomed[] = [];
  for (const file of files) if (await isRemovable(file)) present.push(file);
  return present;
}

/** False if it is gone. Throws for a link, a folder, or a file with a second name. */
async function isRemovable({ path }: Doomed): Promise<boolean> {
  return onStorage(`look at ${path}`, async () => {
    try {
      const stats = await lstat(path);
      if (!stats.isFile()) throw refusal(path, 'it is not a regular file');
      if (stats.nlink !== 1) throw refusal(path, `it has ${stats.nlink} names`);
      return true;
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return false;
      throw error;
    }
  });
}

/** No machine of this host is on one of them, by any definition, or has one open anywhere in its chain. */
async function requireUnused(machines: readonly MachineFacts[], doomed: readonly Doomed[]): Promise<void> {
  const paths = new Set(doomed.map(({ path }) => path));
  const named = await whoIsOn(machines, paths);
  if (named !== null) throw inUse(named.path, 'MACHINE_DRIFTED', `machine ${named.machineUuid} has it as disk ${named.target}`);
  const open = await whoHasOpen(machines, paths);
  if (open !== null) throw inUse(open.path, 'MACHINE_BUSY', `machine ${open.machineUuid} has it open below disk ${open.target}`);
}

/**
 * libvirt writes a chain into the persistent definition, believes it at the next start, and finds a layer missing that a merge has made
 * superfluous since (kvm.md §3). Without it the headers are read, which are right.
 */
async function forgetExplicitChains(hypervisor: Hypervisor, machines: readonly MachineFacts[], doomed: readonly Doomed[]): Promise<void> {
  const paths = new Set(doomed.map(({ path }) => path));
  for (const { inactiveXml } of machines) {
    if (inactiveXml === null) continue;
    const spelled = [...spelledChains(inactiveXml).values()].flat();
    if (spelled.some((path) => paths.has(path))) await hypervisor.define(withSources(inactiveXml, new Map()));
  }
}

/** No other layer of the pool has it as backing: overlays of clones and of abandoned branches count too (kvm.md §1). */
async function requireUnread(doomed: readonly Doomed[]): Promise<void> {
  const paths = new Set(doomed.map(({ path }) => path));
  for (const folder of new Set(doomed.map(({ path }) => dirname(path)))) {
    const names = await onStorage(`list ${folder}`, () => readdir(folder));
    const layers = names.filter((name) => !OWN_SNAPSHOT_FILE.test(name));
    if (layers.length > MAX_LAYERS_IN_POOL) throw refusal(folder, `it holds ${layers.length} layers, more than are looked through`);
    for (const name of layers) {
      const path = resolve(folder, name);
      if (paths.has(path)) continue;
      const backing = await readBy(path);
      if (backing !== null && paths.has(backing)) throw inUse(backing, 'MACHINE_DRIFTED', `${path} reads it`);
    }
  }
}

/** Null for a layer without backing, and for one that cannot be read: such a file reads nothing. */
async function readBy(path: string): Promise<string | null> {
  try {
    return await backingPathOf(await readImage(path, 'qcow2'));
  } catch (error) {
    if (error instanceof ImageProblem) return null;
    throw error;
  }
}

/** What uses it now may let go of it: a machine that is on it is reverted, or stops. */
function inUse(path: string, code: 'MACHINE_BUSY' | 'MACHINE_DRIFTED', how: string): CommandProblem {
  return new CommandProblem({
    code,
    retryable: true,
    message: `${path} is not discarded: ${how}. Nothing was discarded.`,
    hint: 'It is tried again later. If it stays so, reconcile the machine: it may run on a layer that is not recorded.',
  });
}

function refusal(path: string, problem: string): CommandProblem {
  return new CommandProblem({
    code: 'MACHINE_DRIFTED',
    message: `${path} is not discarded: ${problem}. Nothing was discarded.`,
    hint: 'Reconcile the machine: what is on the host is not what is recorded.',
  });
}
