import { dirname } from 'node:path';
import { canonicalPath, type Chain, imageRefused, walkChain } from '../hypervisor/qemu-storage/walk-chain.js';
import type { ImageFile } from '../hypervisor/qemu-storage/image-file.js';
import { ImageProblem } from '../hypervisor/qemu-storage/qcow2-header.js';
import type { PoolFolders } from '../pools/pool-folders.js';
import type { Definition } from '../definition/domain-xml.js';
import { drifted, mixedKinds } from './machine-view.js';

/** A volume of a command with names made paths. `chain`: head first, as it has to be before the act. */
export interface ExpectedVolume {
  readonly volumeId: string;
  readonly target: string;
  readonly newPath: string;
  readonly newFileName: string;
  readonly pool: string;
  readonly chain: readonly { readonly path: string; readonly format: string; readonly fileName: string; readonly pool: string }[];
}

interface VolumeOfCommand {
  readonly volumeId: string;
  readonly target: string;
  readonly pool: string;
  readonly newFileName: string;
  readonly chain: readonly { readonly pool: string; readonly fileName: string; readonly format: string }[];
}

/** Names to paths. Throws POOL_UNSUPPORTED or IO_ERROR. */
export async function expectVolume(pools: PoolFolders, volume: VolumeOfCommand): Promise<ExpectedVolume> {
  const { volumeId, target, pool, newFileName } = volume;
  const chain = await Promise.all(volume.chain.map(async (link) => ({ ...link, path: await pools.pathOf(link.pool, link.fileName) })));
  return { volumeId, target, pool, newFileName, newPath: await pools.pathOf(pool, newFileName), chain };
}

/** Throws unless the files on disk form this very chain, in these formats, without internal snapshots. Returns it, head first. */
export async function requireChain(target: string, expected: readonly { path: string; format: string }[]): Promise<readonly ImageFile[]> {
  const head = expected[0];
  if (head === undefined) throw new Error(`no chain is expected for ${target}`);
  const actual = await walkChain(head.path, head.format);
  const foreign = foreignLayer(actual, expected);
  if (foreign !== null) throw imageRefused(head.path, `${foreign} is below its last layer, in a folder that none of its layers is in`);
  const problem = chainProblem(actual, expected);
  if (problem !== null)
    throw actual.problem === null
      ? drifted(`The chain of ${target} is not the recorded one: ${problem}.`)
      : imageRefused(head.path, problem);
  const internal = actual.layers.find((layer) => (layer.header?.internalSnapshots ?? 0) > 0);
  if (internal !== undefined) throw mixedKinds(`${internal.path} has internal snapshots`);
  return actual.layers;
}

/** A base whose header was made to name a file of the host: not somebody's work on the chain, but an attack or an accident. */
function foreignLayer({ layers }: Chain, expected: readonly { path: string }[]): string | null {
  const folders = new Set(expected.map(({ path }) => dirname(path)));
  const extra = layers[expected.length];
  return extra === undefined || folders.has(dirname(extra.path)) ? null : extra.path;
}

/** What keeps `actual` from being the expected chain, in words; null if it is that chain. */
function chainProblem(actual: Chain, expected: readonly { path: string; format: string }[]): string | null {
  if (actual.problem !== null) return actual.problem;
  for (const [index, want] of expected.entries()) {
    const have = actual.layers[index];
    if (have === undefined) return `it ends before ${want.path}`;
    if (have.path !== want.path) return `${have.path} is where ${want.path} should be`;
    if (have.format !== want.format) return `${have.path} is ${have.format}, not ${want.format}`;
  }
  const extra = actual.layers[expected.length];
  return extra === undefined ? null : `${extra.path} is below its last layer`;
}

/** The canonical path of the file of a definition's disk; null for a disk that is not there or has no file. */
export async function fileOfDisk(definition: Definition, target: string): Promise<string | null> {
  const file = definition.disks.find((disk) => disk.target === target)?.file ?? null;
  return file === null ? null : canonicalOrSame(file);
}

/** The path with its folder's links resolved, or as it is where the folder is not there: then it is nobody's. */
export async function canonicalOrSame(file: string): Promise<string> {
  try {
    return await canonicalPath(file);
  } catch (error) {
    if (error instanceof ImageProblem) return file;
    throw error;
  }
}
