/**
 * discard-layers: removes layer files that nobody reads any more. Must never remove a file that a definition or another layer names, that is
 * open in a QEMU, that lies outside its pool, or that has a second name.
 */
import { lstat, readdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { CommandResult } from '@coppice/protocol';
import { CommandProblem, hasErrorCode } from '../../failure.js';
import { readDefinition } from '../../definition/domain-xml.js';
import { removeFile } from '../../hypervisor/qemu-storage/create-overlay.js';
import { readImage } from '../../hypervisor/qemu-storage/image-file.js';
import { ImageProblem } from '../../hypervisor/qemu-storage/qcow2-header.js';
import { runProgram } from '../../hypervisor/qemu-storage/run-program.js';
import { onStorage } from '../../hypervisor/qemu-storage/storage-gate.js';
import type { CommandContext } from '../context.js';

type Body = Extract<CommandContext['command']['body'], { verb: 'discard-layers' }>;

/** A folder with more layers than this is not scanned, and nothing in it is discarded. */
const MAX_LAYERS_IN_POOL = 50_000;
const LOCK_PROBE_MS = 20_000;
const LAYER_FILE = /^volume-.*\.qcow2$/;

interface Doomed {
  readonly path: string;
  readonly fileName: string;
}

/** Checks all files before it removes the first. A file that is gone already is success. */
export async function discardLayers(body: Body, context: CommandContext): Promise<CommandResult> {
  const doomed: Doomed[] = [];
  for (const { volumeId, pool, fileName } of body.layers) {
    if (!fileName.startsWith(`volume-${volumeId}.`)) throw refusal(fileName, `it is not a layer of volume ${volumeId}`);
    doomed.push({ path: await context.pools.pathOf(pool, fileName), fileName });
  }
  const present: Doomed[] = [];
  for (const layer of doomed) if (await isRemovable(layer)) present.push(layer);
  await requireUndefined(context, present);
  await requireUnread(present);
  for (const layer of present) await requireUnlocked(layer);
  for (const { path } of present) {
    await context.note('discarding', { path });
    context.progress('DISCARD_LAYER', 'RUNNING');
    await removeFile(path);
    context.progress('DISCARD_LAYER', 'SUCCEEDED');
    context.crash('discard-layers/after-first-file');
  }
  context.crash('discard-layers/before-finished-record');
  return { verb: 'discard-layers', discarded: doomed.map(({ fileName }) => fileName) };
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

/** No definition of this host, live or persistent, names it. */
async function requireUndefined({ hypervisor }: CommandContext, doomed: readonly Doomed[]): Promise<void> {
  const paths = new Set(doomed.map(({ path }) => path));
  for (const uuid of await hypervisor.listMachines()) {
    const facts = await hypervisor.describeMachine(uuid);
    for (const xml of [facts.liveXml, facts.inactiveXml]) {
      const named = xml === null ? undefined : readDefinition(xml).disks.find(({ file }) => file !== null && paths.has(file));
      if (named?.file) throw refusal(named.file, `machine ${facts.uuid} has it as disk ${named.target}`);
    }
  }
}

/** No other layer of the pool has it as backing: overlays of clones and of abandoned branches count too (kvm.md §1). */
async function requireUnread(doomed: readonly Doomed[]): Promise<void> {
  const paths = new Set(doomed.map(({ path }) => path));
  for (const folder of new Set(doomed.map(({ path }) => dirname(path)))) {
    const names = await onStorage(`list ${folder}`, () => readdir(folder));
    const layers = names.filter((name) => LAYER_FILE.test(name));
    if (layers.length > MAX_LAYERS_IN_POOL) throw refusal(folder, `it holds ${layers.length} layers, more than are looked through`);
    for (const name of layers) {
      const path = resolve(folder, name);
      if (paths.has(path)) continue;
      const backing = await backingPathOf(path);
      if (backing !== null && paths.has(backing)) throw refusal(backing, `${path} reads it`);
    }
  }
}

/** Null for a layer without backing, and for one that cannot be read: such a file reads nothing. */
async function backingPathOf(path: string): Promise<string | null> {
  try {
    const name = (await readImage(path, 'qcow2')).header?.backingName ?? null;
    return name === null ? null : resolve(dirname(path), name);
  } catch (error) {
    if (error instanceof ImageProblem) return null;
    throw error;
  }
}

/** qemu-img without -U asks for the image's lock: a QEMU that has the file open, known to libvirt or not, holds it (lab.md, t-race 4). */
async function requireUnlocked({ path }: Doomed): Promise<void> {
  const end = await runProgram('qemu-img', ['info', '-f', 'qcow2', '--output=json', path], LOCK_PROBE_MS);
  if (/Failed to get (shared )?".*" lock/i.test(end.stderr)) {
    throw new CommandProblem({
      code: 'MACHINE_BUSY',
      retryable: true,
      message: `${path} is open in a running process. Nothing was discarded.`,
      hint: 'Find out which (lsof on the host): a machine may run on a layer that is not recorded.',
    });
  }
}

function refusal(path: string, problem: string): CommandProblem {
  return new CommandProblem({
    code: 'MACHINE_DRIFTED',
    message: `${path} is not discarded: ${problem}. Nothing was discarded.`,
    hint: 'Reconcile the machine: what is on the host is not what is recorded.',
  });
}
