import type { OperationPlan } from '../../operations/operation.store.js';
import type { Stage } from '../../operations/program.js';
import { copyLayers, discardCopies, fileOf, shareLayers } from '../../volumes/copies/copies.js';
import type { CloneRecord } from './clone-record.js';

/** How long libvirt may take to start a machine, in milliseconds. */
const START_DEADLINE_MS = 60_000;

/** `sourceUuid`: the machine that the snapshot is of. `recordedXml`: its definition then. `start`: the new machine shall run. */
type Cloning = { record: CloneRecord; sourceUuid: string; recordedXml: string; domainName: string; start: boolean };

/** The layers first, then the machine that is on them, which nothing reads before it is there. */
export function cloneProgram({ record, sourceUuid, recordedXml, domainName, start }: Cloning): Pick<OperationPlan, 'steps' | 'program'> {
  const { machineUuid, linked, copies } = record;
  const made = linked ? shareLayers(sourceUuid, copies) : copyLayers(sourceUuid, copies);
  const disks = copies.map((one) => ({
    volumeId: one.volumeId,
    target: one.target,
    chain: linked ? [fileOf(one), ...one.chain] : [fileOf(one)],
  }));
  const define: Stage = {
    phase: 'Defining the machine',
    steps: [made.steps.length],
    body: { verb: 'define-machine', machineUuid, name: domainName, recordedXml, volumes: disks },
  };
  const steps = [...made.steps, { kind: 'SAVE_DEFINITION', description: 'Define the new machine.', volumeId: null }];
  if (!start) return { steps, program: [...made.program, define] };
  const power: Stage = {
    phase: 'Starting the machine',
    steps: [steps.length],
    body: {
      verb: 'change-power',
      machineUuid,
      to: 'ON',
      force: false,
      deadlineMs: START_DEADLINE_MS,
      disks: disks.map(({ target, chain }) => ({ target, chain })),
    },
  };
  const started = { kind: 'START_MACHINE', description: 'Start the new machine.', volumeId: null };
  return { steps: [...steps, started], program: [...made.program, define, power] };
}

/** Takes a machine from the host that may have been defined; where it was not, that is success. */
export function removeClone({ machineUuid }: CloneRecord): Stage {
  return { phase: 'Removing the machine', steps: [], body: { verb: 'remove-machine', machineUuid } };
}

/** Removes the layers of a clone that failed. */
export function discardClone({ machineUuid, copies }: CloneRecord): Stage {
  return discardCopies(machineUuid, copies);
}

/** The domain's name: what people call the machine as far as paths allow, and what makes it unique on every host of every tenant. */
export function domainNameOf(name: string, machineUuid: string): string {
  const safe = name
    .normalize('NFKD')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 80);
  return `${safe === '' ? 'machine' : safe}-${machineUuid.slice(0, 8)}`;
}
