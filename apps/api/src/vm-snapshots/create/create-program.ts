import type { PlanStep } from '@coppice/snapshot-tree';
import type { Stage } from '../../operations/program.js';
import type { CreateRecord } from './create-record.js';

/** Time that a guest may be frozen at most, in milliseconds: what Windows' VSS allows; databases on Linux endure it. */
const QUIESCE_DEADLINE_MS = 10_000;

/** Empty layers first, then the one act that freezes all heads. */
export function createProgram(record: CreateRecord, steps: readonly PlanStep[]): Stage[] {
  const { machineUuid, power, quiesce, memory, nvram, volumes } = record;
  const positions = (isMaking: boolean) =>
    steps.flatMap((step, position) => ((step.kind === 'CREATE_LAYER') === isMaking ? [position] : []));
  return [
    {
      phase: 'Making empty layers',
      steps: positions(true),
      body: {
        verb: 'create-layers',
        machineUuid,
        volumes: volumes.map((volume) => ({ ...namesOf(volume), over: 'HEAD', virtualBytes: volume.virtualBytes })),
      },
    },
    {
      phase: memory ? 'Saving the memory' : quiesce ? 'Freezing the guest and its disks' : 'Freezing the disks',
      steps: positions(false),
      body: {
        verb: 'freeze-layers',
        machineUuid,
        power,
        quiesce: quiesce ? { deadlineMs: QUIESCE_DEADLINE_MS } : null,
        memory,
        nvram,
        volumes: volumes.map(namesOf),
      },
    },
  ];
}

/** Removes the empty layers of a create that failed, and what it may have saved beside them. */
export function discardNewLayers({ machineUuid, volumes, memory, nvram }: CreateRecord): Stage {
  const layers = volumes.map(({ volumeId, pool, newFileName }) => ({ volumeId, pool, fileName: newFileName }));
  const snapshotFiles = [memory, nvram].filter((file) => file !== null);
  return { phase: 'Removing the empty layers', steps: [], body: { verb: 'discard-layers', machineUuid, layers, snapshotFiles } };
}

function namesOf({ volumeId, target, pool, newFileName, chain }: CreateRecord['volumes'][number]) {
  return { volumeId, target, pool, newFileName, chain };
}
