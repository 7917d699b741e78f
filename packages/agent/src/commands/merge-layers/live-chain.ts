import { CommandProblem } from '../../failure.js';
import { spelledChains } from '../../definition/spelled-chains.js';
import { canonicalPath } from '../../hypervisor/qemu-storage/walk-chain.js';
import type { CommandContext } from '../context.js';
import { drifted, viewMachine } from '../machine-view.js';
import { type Merge, targetOf } from './merge.js';

/** The chain that a running machine has open. `names`: as libvirt spells them, head first. */
export interface LiveChain {
  readonly isMerged: boolean;
  readonly names: readonly string[];
}

/** Throws MACHINE_STATE if the machine does not run, MACHINE_DRIFTED for a chain that is neither the one before the merge nor the one after. */
export async function lookAtChain(merge: Merge, { hypervisor }: CommandContext): Promise<LiveChain> {
  const { machineUuid, target, above, chain, runLength } = merge;
  const { facts } = await viewMachine(hypervisor, machineUuid);
  if (target === null || facts.liveXml === null || (facts.power !== 'ON' && facts.power !== 'PAUSED')) {
    throw new CommandProblem({
      code: 'MACHINE_STATE',
      retryable: true,
      message: `Machine ${machineUuid} does not run, and the merge was planned for one that does. Nothing was changed.`,
      hint: 'Retry: the new plan is made for the state that it has then.',
    });
  }
  const names = spelledChains(facts.liveXml).get(target) ?? [];
  const paths = await Promise.all(names.map(canonicalPath));
  const isThat = (wanted: readonly { path: string }[]) =>
    paths.length === wanted.length && wanted.every(({ path }, index) => path === paths[index]);
  if (isThat([...above, targetOf(merge), ...chain.slice(runLength)])) return { isMerged: true, names };
  if (isThat([...above, ...chain])) return { isMerged: false, names };
  throw drifted(`Disk ${target} of machine ${machineUuid} is on another chain than the recorded one: ${paths.join(', ')}.`);
}
