import type { PlanStep } from '@coppice/snapshot-tree';
import type { Stage } from '../../operations/program.js';
import type { CreateRecord } from './create-record.js';

/** Time that a guest may be frozen at most, in milliseconds: as for VM snapshots. */
const QUIESCE_DEADLINE_MS = 10_000;

type Freeze = NonNullable<CreateRecord['freeze']>;

/** What a running machine writes is frozen under an empty head first; then the copy. */
export function createProgram(record: CreateRecord, steps: readonly PlanStep[]): Stage[] {
  const { machineUuid, volumeId, headTarget: target, chain, to, freeze } = record;
  const positions = (isWanted: (kind: PlanStep['kind']) => boolean) => steps.flatMap(({ kind }, at) => (isWanted(kind) ? [at] : []));
  const copy: Stage = {
    phase: 'Copying the disk',
    steps: positions((kind) => freeze === null || kind === 'COPY_DATA'),
    body: { verb: 'copy-layer', machineUuid, volumeId, target, chain, to, bytesPerSecond: null },
  };
  if (freeze === null) return [copy];
  const volume = namesOf(record, freeze);
  return [
    {
      phase: 'Making an empty layer',
      steps: positions((kind) => kind === 'CREATE_LAYER'),
      body: { verb: 'create-layers', machineUuid, volumes: [{ ...volume, over: 'HEAD', virtualBytes: freeze.virtualBytes }] },
    },
    {
      phase: record.quiesce ? 'Freezing the guest and its disk' : 'Freezing the disk',
      steps: positions((kind) => kind !== 'CREATE_LAYER' && kind !== 'COPY_DATA'),
      body: {
        verb: 'freeze-layers',
        machineUuid,
        power: record.power,
        quiesce: record.quiesce ? { deadlineMs: QUIESCE_DEADLINE_MS } : null,
        memory: null,
        nvram: null,
        volumes: [volume],
      },
    },
    copy,
  ];
}

/** Removes the empty layer of a freeze that failed. */
export function discardNewLayer({ machineUuid, volumeId }: CreateRecord, { pool, newFileName }: Freeze): Stage {
  const layers = [{ volumeId, pool, fileName: newFileName }];
  return { phase: 'Removing the empty layer', steps: [], body: { verb: 'discard-layers', machineUuid, layers, snapshotFiles: [] } };
}

function namesOf({ volumeId, chain }: CreateRecord, { target, pool, newFileName }: Freeze) {
  return { volumeId, target, pool, newFileName, chain };
}
