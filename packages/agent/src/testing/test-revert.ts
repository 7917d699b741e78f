/** Snapshots of a test machine as the API would record them, and the commands that revert to one. */
import type { CommandBody, CommandResult } from '@coppice/protocol';
import { resultOf, type TestMachine } from './test-machine.js';

type FreezeBody = Extract<CommandBody, { verb: 'freeze-layers' }>;
type CreateBody = Extract<CommandBody, { verb: 'create-layers' }>;
export type SwitchBody = Extract<CommandBody, { verb: 'switch-heads' }>;

/** A snapshot that was taken: what it pins, and what is kept beside it. */
export interface TakenSnapshot {
  readonly freeze: FreezeBody;
  readonly result: Extract<CommandResult, { verb: 'freeze-layers' }>;
}

/** Takes a snapshot and keeps what a revert to it needs. */
export async function take(machine: TestMachine, options: Parameters<TestMachine['nextSnapshot']>[0] = {}): Promise<TakenSnapshot> {
  const { create, freeze } = machine.nextSnapshot(options);
  resultOf(await machine.world.api.run(create), 'create-layers');
  const result = resultOf(await machine.world.api.run(freeze), 'freeze-layers');
  machine.record(freeze);
  return { freeze, result };
}

/** The commands of a revert; `changes` to the second. */
export function revertTo(
  machine: TestMachine,
  { freeze, result }: TakenSnapshot,
  changes: Partial<SwitchBody> = {},
): { create: CreateBody; switchHeads: SwitchBody } {
  const number = machine.nextNumber();
  const volumes = freeze.volumes.map(({ volumeId, target, pool, chain }) => {
    const newFileName = `volume-${volumeId}.${number}.qcow2`;
    return { volumeId, target, pool, newFileName, chain };
  });
  const before = machine.volumes.map(({ volumeId, target, files }) => ({
    volumeId,
    target,
    head: { pool: 'pool', fileName: files[0] ?? '', format: 'qcow2' as const },
  }));
  const { liveXml } = result.definition;
  return {
    create: {
      verb: 'create-layers',
      machineUuid: machine.uuid,
      volumes: volumes.map((volume) => ({ ...volume, over: 'FROZEN' as const, virtualBytes: 64 * 1024 * 1024 })),
    },
    switchHeads: {
      verb: 'switch-heads',
      machineUuid: machine.uuid,
      power: 'ON',
      before,
      inactiveXml: result.definition.inactiveXml,
      volumes: volumes.map((volume) => ({
        ...volume,
        chain: [{ pool: volume.pool, fileName: volume.newFileName, format: 'qcow2' as const }, ...volume.chain],
      })),
      keptTargets: [],
      memory: freeze.memory === null || liveXml === null ? null : { file: freeze.memory, liveXml },
      nvram: freeze.nvram,
      start: false,
      ...changes,
    },
  };
}

/** Takes over what a switch-heads made true. */
export function recordRevert(machine: TestMachine, { volumes }: SwitchBody): void {
  for (const { volumeId, chain } of volumes) {
    const volume = machine.volumes.find((candidate) => candidate.volumeId === volumeId);
    if (volume !== undefined) volume.files = chain.map(({ fileName }) => fileName);
  }
}

/** Both commands, recorded. */
export async function revert(
  machine: TestMachine,
  snapshot: TakenSnapshot,
  changes: Partial<SwitchBody> = {},
): Promise<Extract<CommandResult, { verb: 'switch-heads' }>> {
  const { create, switchHeads } = revertTo(machine, snapshot, changes);
  resultOf(await machine.world.api.run(create), 'create-layers');
  const result = resultOf(await machine.world.api.run(switchHeads), 'switch-heads');
  recordRevert(machine, switchHeads);
  return result;
}
