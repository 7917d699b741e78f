import type { CommandResult } from '@coppice/protocol';
import { resourceOf } from '../../operations/claim.store.js';
import type { OperationPlan } from '../../operations/operation.store.js';
import type { OperationWork } from '../../operations/operation-work.js';
import type { Starter } from '../../operations/start-operation.store.js';
import { checkAccess } from '../check-machine.js';
import type { MachineRequest, StopRequest } from '../machine-changes.contract.js';
import { PLAIN_WORK } from '../plain-work.js';
import { decideStart, decideStop, type PowerDecision } from './decide-power.js';

/** How long a guest may take to shut down before the stop fails, in milliseconds: Windows and databases take a minute and more. */
const SHUTDOWN_DEADLINE_MS = 180_000;

/** How long libvirt may take to start a machine, in milliseconds. */
const START_DEADLINE_MS = 60_000;

/** The mutations' names. */
const START = 'startVirtualMachine';
const STOP = 'stopVirtualMachine';

/** How startVirtualMachine starts. */
export const startStarter: Starter<MachineRequest, PowerDecision> = {
  kind: START,
  subjectType: 'VIRTUAL_MACHINE',
  machineState: null,
  access: (principal, facts) => checkAccess(principal, facts, { role: 'OPERATOR', what: 'Starting a machine', path: ['virtualMachineId'] }),
  decide: (_principal, _request, facts) => decideStart(facts),
  resources: (decision, machineId) => [resourceOf.machine(machineId), ...decision.files],
  subjectName: (_decision, facts) => facts.machine.name,
  async write({ decision, facts }) {
    return powerPlan({ machineUuid: facts.machine.domainUuid, to: 'ON', force: false, disks: decision.disks });
  },
};

/** How stopVirtualMachine starts. */
export const stopStarter: Starter<StopRequest, PowerDecision> = {
  kind: STOP,
  subjectType: 'VIRTUAL_MACHINE',
  machineState: null,
  access: (principal, facts) => checkAccess(principal, facts, { role: 'OPERATOR', what: 'Stopping a machine', path: ['virtualMachineId'] }),
  decide: (_principal, request, facts) => decideStop(facts, request.force),
  resources: (decision, machineId) => [resourceOf.machine(machineId), ...decision.files],
  subjectName: (_decision, facts) => facts.machine.name,
  async write({ decision, facts, request }) {
    return powerPlan({ machineUuid: facts.machine.domainUuid, to: 'OFF', force: request.force, disks: decision.disks });
  },
};

type PowerChange = { machineUuid: string; to: 'ON' | 'OFF'; force: boolean; disks: PowerDecision['disks'] };

function powerPlan({ to, ...change }: PowerChange): OperationPlan {
  const isStart = to === 'ON';
  const description = isStart
    ? 'Start the machine.'
    : change.force
      ? 'Stop the machine at once.'
      : 'Ask the guest to shut down, and wait for it.';
  const phase = isStart ? 'Starting' : 'Stopping';
  const deadlineMs = isStart ? START_DEADLINE_MS : SHUTDOWN_DEADLINE_MS;
  return {
    planHash: null,
    record: {},
    steps: [{ kind: isStart ? 'START_MACHINE' : 'STOP_MACHINE', description, volumeId: null }],
    program: [{ phase, steps: [0], body: { verb: 'change-power', to, deadlineMs, ...change } }],
  };
}

/** The works of both: the machine's state follows its power when the operation ends. */
export const powerWorks: OperationWork[] = [START, STOP].map((kind) => ({
  ...PLAIN_WORK,
  kind,
  async advanced({ transaction, machine, operation }, { result }: { result: CommandResult }) {
    if (result.verb !== 'change-power') throw new Error(`operation ${operation.id} changes power and was answered ${result.verb}`);
    const guestAgent = result.power === 'OFF' && machine.guestAgent === 'CONNECTED' ? 'DISCONNECTED' : machine.guestAgent;
    await transaction.virtualMachine.update({ where: { id: machine.id }, data: { powerState: result.power, guestAgent } });
    return { kind: 'next' as const };
  },
}));
