import type { PoolFolders } from '../pools/pool-folders.js';
import { fileOfDisk, requireChain } from './expected-chain.js';
import { drifted, type MachineView } from './machine-view.js';

/** One layer of an expected chain, with its name made a path. */
interface ExpectedLink {
  readonly path: string;
  readonly format: string;
  readonly pool: string;
}

/** A disk as a command has it recorded: its chain, head first. */
export interface ExpectedDisk {
  readonly target: string;
  readonly chain: readonly ExpectedLink[];
}

interface DiskOfCommand {
  readonly target: string;
  readonly chain: readonly { readonly pool: string; readonly fileName: string; readonly format: string }[];
}

/** Names to paths. Throws POOL_UNSUPPORTED or IO_ERROR. */
export function expectDisks(pools: PoolFolders, disks: readonly DiskOfCommand[]): Promise<ExpectedDisk[]> {
  return Promise.all(
    disks.map(async ({ target, chain }) => ({
      target,
      chain: await Promise.all(
        chain.map(async ({ pool, fileName, format }) => ({ pool, format, path: await pools.pathOf(pool, fileName) })),
      ),
    })),
  );
}

/**
 * Throws MACHINE_DRIFTED unless the machine is on these heads, in the definition in force and in the persistent one, the files form these
 * chains, and no other disk is on a layer of them: a machine never runs on a frozen layer because a definition is an old one.
 */
export async function requireDisks(view: MachineView, disks: readonly ExpectedDisk[]): Promise<void> {
  const { inForce, inactive, facts } = view;
  for (const { target, chain } of disks) {
    const head = chain[0]?.path ?? '';
    const file = await fileOfDisk(inForce, target);
    if (file !== head) throw drifted(`Disk ${target} of machine ${facts.uuid} is on ${file ?? 'no file'}, not on ${head}.`);
    const persistent = await fileOfDisk(inactive, target);
    if (persistent !== null && persistent !== head)
      throw drifted(`The persistent definition of machine ${facts.uuid} has disk ${target} on ${persistent}, not on ${head}.`);
    await requireChain(target, chain);
  }
  await requireNoOtherReader(view, disks);
}

async function requireNoOtherReader({ inForce, inactive }: MachineView, disks: readonly ExpectedDisk[]): Promise<void> {
  const layers = new Map(disks.flatMap(({ target, chain }) => chain.map(({ path }): [string, string] => [path, target])));
  const named = new Set(disks.map(({ target }) => target));
  for (const definition of [inForce, inactive]) {
    for (const { target, isReadOnly } of definition.disks) {
      if (named.has(target) || isReadOnly) continue;
      const file = await fileOfDisk(definition, target);
      const owner = file === null ? undefined : layers.get(file);
      if (owner !== undefined) throw drifted(`Disk ${target} is on ${file ?? ''}, a layer of disk ${owner}.`);
    }
  }
}
