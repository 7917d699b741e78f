import { setTimeout as sleep } from 'node:timers/promises';
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

/** libvirt takes a chain apart while QEMU dies, and knows of the death after a second or two (lab.md §2). */
const TORN_MS = 5_000;
const LOOK_MS = 100;

/** Throws MACHINE_STATE if the machine does not run, MACHINE_DRIFTED for a chain that is neither the one before the merge nor the one after. */
export async function lookAtChain(merge: Merge, context: CommandContext): Promise<LiveChain> {
  const deadline = performance.now() + TORN_MS;
  for (;;) {
    const names = await namesOfChain(merge, context);
    const paths = await Promise.all(names.map(canonicalPath));
    const isMerged = isMergedChain(merge, paths);
    if (isMerged !== null) return { isMerged, names };
    if (performance.now() > deadline)
      throw drifted(`Disk ${merge.target} of machine ${merge.machineUuid} is on another chain than the recorded one: ${paths.join(', ')}.`);
    await sleep(LOOK_MS);
  }
}

async function namesOfChain({ machineUuid, target }: Merge, { hypervisor }: CommandContext): Promise<readonly string[]> {
  const { facts } = await viewMachine(hypervisor, machineUuid);
  if (target !== null && facts.liveXml !== null && (facts.power === 'ON' || facts.power === 'PAUSED'))
    return spelledChains(facts.liveXml).get(target) ?? [];
  throw new CommandProblem({
    code: 'MACHINE_STATE',
    retryable: true,
    message: `Machine ${machineUuid} does not run, and the merge was planned for one that does. Nothing was changed.`,
    hint: 'Retry: the new plan is made for the state that it has then.',
  });
}

/** Null for a chain that is neither. */
function isMergedChain(merge: Merge, paths: readonly string[]): boolean | null {
  const { above, chain, runLength } = merge;
  const isThat = (wanted: readonly { path: string }[]) =>
    paths.length === wanted.length && wanted.every(({ path }, index) => path === paths[index]);
  if (isThat([...above, targetOf(merge), ...chain.slice(runLength)])) return true;
  return isThat([...above, ...chain]) ? false : null;
}
