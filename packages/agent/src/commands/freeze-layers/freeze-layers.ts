/**
 * freeze-layers: the overlays of create-layers become the heads of all given volumes at once (kvm.md §2). Running: one libvirt snapshot
 * without metadata; stopped: one define. It looks first, so a repeat rolls forward what is done:
 *
 *   switched already            → roll forward (definition, check), same result
 *   not switched, first try     → check everything, act
 *   not switched, repeat        → not expired and power as planned: anew, with a new quiesce; else failed, nothing changed
 *   memory under way, repeat    → waits until libvirt has ended it, then as above
 *   half switched               → stopped: define the rest; running: impossible, so drift
 *
 * Must never let a machine write a layer that is to be frozen, and never leave a guest frozen.
 */
import type { CommandResult } from '@coppice/protocol';
import { CommandCancelled, CommandProblem } from '../../failure.js';
import type { PoolFolders } from '../../pools/pool-folders.js';
import { type CommandContext, told } from '../context.js';
import { type ExpectedVolume, expectVolume } from '../expected-chain.js';
import { drifted, type MachineView, viewMachine } from '../machine-view.js';
import { actionOf, type Switched, switchToOverlays } from './switch-to-overlays.js';
import { bringDefinitionForward } from './bring-definition-forward.js';
import { isSwitchedBehindLibvirt, readSwitched } from './read-switched.js';
import { requireReady } from './require-ready.js';
import { resultOf } from './result-of.js';
import { dropMemory, dropMemoryOfEarlierTry, prepareMemory, settleMemory } from './save-memory.js';

/** The command's body, and its volumes with paths. */
export interface FreezePlan {
  readonly body: Extract<CommandContext['command']['body'], { verb: 'freeze-layers' }>;
  readonly volumes: readonly ExpectedVolume[];
  readonly memoryPath: string | null;
  readonly nvramCopy: string | null;
}

/** See the file's head. Throws CommandProblem with nothing changed, or HypervisorLost: then it has to be called again. */
export async function freezeLayers(body: FreezePlan['body'], context: CommandContext): Promise<CommandResult> {
  const plan = await planFreeze(body, context.pools);
  if (context.isRepeat) {
    await context.freezer.endLeft(body.machineUuid);
    await settleMemory(plan, context);
  }
  const before = await viewMachine(context.hypervisor, body.machineUuid);
  const switched = (await readSwitched(plan, before, context)) ?? (await act(plan, before, context));
  await told(context, 'SAVE_DEFINITION', () => bringDefinitionForward(plan, context));
  const result = await told(context, 'VERIFY_CHAIN', () => resultOf(plan, before, { switched, context }));
  context.crash('freeze-layers/before-finished-record');
  return result;
}

async function planFreeze(body: FreezePlan['body'], pools: PoolFolders): Promise<FreezePlan> {
  const volumes = await Promise.all(body.volumes.map((volume) => expectVolume(pools, volume)));
  const pathOf = (file: FreezePlan['body']['memory']) => (file === null ? null : pools.pathOf(file.pool, file.fileName));
  return { body, volumes, memoryPath: await pathOf(body.memory), nvramCopy: await pathOf(body.nvram) };
}

async function act(plan: FreezePlan, before: MachineView, context: CommandContext): Promise<Switched> {
  // Nothing was switched and libvirt is at rest: what an earlier try saved is garbage, and would take the room of this one.
  if (context.isRepeat) await dropMemoryOfEarlierTry(plan, context);
  if (context.isRepeat && context.now().toISOString() > context.command.expiresAt) {
    throw new CommandProblem({
      code: 'HOST_UNAVAILABLE',
      retryable: true,
      message:
        'The host was away for too long: the machine had not been switched to its new layers, and was not switched afterwards. Nothing was changed.',
    });
  }
  const { machineUuid, quiesce } = plan.body;
  const commandId = context.command.id;
  if (quiesce !== null && before.inForce.guestAgent === 'CONNECTED' && before.facts.power === 'ON')
    context.freezer.prepare({ machineUuid, commandId, deadlineMs: quiesce.deadlineMs });
  try {
    await requireReady(plan, before, context);
    await prepareMemory(plan, before, context);
    context.crash('freeze-layers/before-transaction');
    return await switchAndNote(plan, before, context);
  } finally {
    context.freezer.dismiss(commandId);
  }
}

async function switchAndNote(plan: FreezePlan, before: MachineView, context: CommandContext): Promise<Switched> {
  try {
    const switched = await switchToOverlays(plan, before, context);
    const { consistency, frozenAt, quiescedMs } = switched;
    await context.note('switched', { consistency, frozenAt, quiescedMs: quiescedMs === null ? '' : String(quiescedMs) });
    return switched;
  } catch (error) {
    if (!(error instanceof CommandProblem)) throw error;
    const after = await requireUnchanged(plan, context, error);
    await dropMemory(plan);
    if (context.cancelled.aborted) throw new CommandCancelled('NOTHING');
    throw after.facts.power === 'OFF' && plan.body.power !== 'OFF' ? endedMeanwhile(plan, error) : error;
  }
}

/** libvirt may fail a call whose work is done (lab.md, t-race 3): whether anything changed is looked up, never inferred from an error. */
async function requireUnchanged(plan: FreezePlan, context: CommandContext, error: CommandProblem): Promise<MachineView> {
  const after = await viewMachine(context.hypervisor, plan.body.machineUuid);
  const action = await actionOf(plan.volumes, after.inForce);
  if (action === 'none-switched' && !(await isSwitchedBehindLibvirt(plan, after, context))) return after;
  context.log.error({ err: error }, 'libvirt reported a failure, and the machine has switched all the same');
  if (action !== 'mixed') throw new SwitchedInSpite(error);
  throw drifted('After an error some disks are on their new layers and some are not.');
}

/** libvirt's own words for it are those of whatever it was about just then. */
function endedMeanwhile({ body }: FreezePlan, cause: CommandProblem): CommandProblem {
  return new CommandProblem({
    code: 'MACHINE_STATE',
    retryable: true,
    message: `Machine ${body.machineUuid} ended while its snapshot was taken; its disks are as they were.`,
    hint: 'Look at why it ended (the log of its QEMU on the host), start it, and try again.',
    cause,
  });
}

/** The act failed and was done: the command is run again, and rolls forward. */
export class SwitchedInSpite extends Error {
  constructor(cause: unknown) {
    super('the machine switched in spite of an error', { cause });
    this.name = 'SwitchedInSpite';
  }
}
