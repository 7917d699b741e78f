import type { CommandBody } from '@coppice/protocol';
import type { PlanStep } from '@coppice/snapshot-tree';
import { namedVolume } from '../../machines/layer-names.js';
import type { Stage } from '../../operations/program.js';
import type { RevertRecord } from './revert-record.js';

/** The definitions of the snapshot as its host answered them; null where there is none. XML with its secrets. */
export type RecordedXml = { inactiveXml: string | null; liveXml: string | null };

type LayerNames = Extract<CommandBody, { verb: 'discard-layers' }>['layers'];

/** New heads first; then the one act that stops, defines and starts the machine; then what nothing reads any more. */
export function revertProgram(record: RevertRecord, steps: readonly PlanStep[], xml: RecordedXml): Stage[] {
  const { machineUuid } = record;
  const positions = (isIt: (kind: PlanStep['kind']) => boolean) => steps.flatMap(({ kind }, position) => (isIt(kind) ? [position] : []));
  const making: Stage = {
    phase: 'Making empty layers',
    steps: positions((kind) => kind === 'CREATE_LAYER'),
    body: {
      verb: 'create-layers',
      machineUuid,
      volumes: record.volumes.map(({ volumeId, knownAs, pool, newFileName, virtualBytes, over, chain }) => {
        return { volumeId, target: knownAs, pool, newFileName, virtualBytes, over, chain };
      }),
    },
  };
  const switching: Stage = {
    phase: 'Switching the machine over',
    steps: positions((kind) => kind !== 'CREATE_LAYER' && kind !== 'DISCARD_LAYER'),
    body: switchBody(record, xml),
  };
  if (record.abandoned.length === 0) return [making, switching];
  const layers = record.abandoned.map(({ volumeId, pool, fileName }) => ({
    volumeId: namedVolume({ volumeId, fileName }),
    pool,
    fileName,
  }));
  const discarding: Stage = {
    phase: 'Removing what is left behind',
    steps: positions((kind) => kind === 'DISCARD_LAYER'),
    body: discardBody(machineUuid, layers),
  };
  return [making, switching, discarding];
}

/** Removes the empty layers of a revert that failed before the switch. */
export function discardNewLayers({ machineUuid, volumes }: RevertRecord): Stage {
  const layers = volumes.map(({ volumeId, pool, newFileName }) => ({ volumeId, pool, fileName: newFileName }));
  return { phase: 'Removing the empty layers', steps: [], body: discardBody(machineUuid, layers) };
}

function discardBody(machineUuid: string, layers: LayerNames): CommandBody {
  return { verb: 'discard-layers', machineUuid, layers, snapshotFiles: [] };
}

function switchBody(record: RevertRecord, { inactiveXml, liveXml }: RecordedXml): CommandBody {
  const { machineUuid, power, before, keptTargets, memory, nvram, start } = record;
  if (memory && liveXml === null) throw new Error(`snapshot ${record.snapshotId} has memory and no live definition to restore it with`);
  return {
    verb: 'switch-heads',
    machineUuid,
    power,
    before,
    inactiveXml,
    volumes: record.volumes.flatMap(({ volumeId, target, pool, newFileName, chain }) =>
      target === null
        ? []
        : [{ volumeId, target, pool, newFileName, chain: [{ pool, fileName: newFileName, format: 'qcow2' as const }, ...chain] }],
    ),
    keptTargets,
    memory: memory && liveXml !== null ? { file: memory, liveXml } : null,
    nvram,
    start,
  };
}
