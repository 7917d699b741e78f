import { type SpelledChain, spelledChainsWithEnds } from '../../definition/spelled-chains.js';
import { canonicalOrSame } from '../expected-chain.js';
import type { CommandContext } from '../context.js';
import type { ExpectedDisk } from '../expected-disks.js';
import { drifted, type MachineView } from '../machine-view.js';

/**
 * Throws MACHINE_DRIFTED if the machine's managed save image would run other layers than these: libvirt starts from it whatever the definition
 * says (kvm.md §4.1), and believes the chains that it states.
 */
export async function requireFittingManagedSave(
  { facts, inactive }: MachineView,
  disks: readonly ExpectedDisk[],
  context: CommandContext,
): Promise<void> {
  const saved = spelledChainsWithEnds(await context.hypervisor.machines.managedSaveXml(facts.uuid));
  for (const { target, chain } of disks) {
    const problem = await misfit(
      saved.find((one) => one.target === target),
      chain.map(({ path }) => path),
    );
    if (problem !== null) throw drifted(`The managed save image of machine ${facts.uuid} ${problem} for disk ${target}.`);
  }
  const known = new Set(inactive.disks.map(({ target }) => target));
  const unknown = saved.find(({ target }) => !known.has(target));
  if (unknown !== undefined)
    throw drifted(`The managed save image of machine ${facts.uuid} has a disk ${unknown.target}, the machine has not.`);
}

async function misfit(saved: SpelledChain | undefined, expected: readonly string[]): Promise<string | null> {
  if (saved === undefined) return 'has no file';
  const files = await Promise.all(saved.files.map((file) => canonicalOrSame(file)));
  const other = files.find((file, index) => file !== expected[index]);
  if (other !== undefined) return `names ${other}`;
  return saved.isClosed && files.length < expected.length ? `ends the chain after ${files.at(-1) ?? 'nothing'}` : null;
}
