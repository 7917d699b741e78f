import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import type { CommandBody, CommandFinished, CommandResult } from '@coppice/protocol';
import { askGuestAgent, guestExec, type GuestDefinition } from '@coppice/lab';
import type { HostWorld } from './host-world.js';

type FreezeBody = Extract<CommandBody, { verb: 'freeze-layers' }>;
type Outcome = CommandFinished['outcome'];

/** One volume as the API would have it recorded. `files`: head first. */
export interface TestVolume {
  readonly volumeId: string;
  readonly target: string;
  files: string[];
}

/** A guest, with the chains that a planner would believe in. */
export class TestMachine {
  readonly volumes: TestVolume[];
  private lastNumber = 0;

  constructor(
    readonly world: HostWorld,
    readonly guest: GuestDefinition,
  ) {
    this.volumes = guest.disks.map(({ volumeUuid, path }, index) => ({
      volumeId: volumeUuid,
      target: `vd${'ab'[index]}`,
      files: [basename(path)],
    }));
  }

  get name(): string {
    return this.guest.name;
  }

  get uuid(): string {
    return this.guest.uuid;
  }

  /** The number of the newest layers that were named. */
  get lastUsedNumber(): number {
    return this.lastNumber;
  }

  /** Of layers that were never there before. */
  nextNumber(): number {
    this.lastNumber += 1;
    return this.lastNumber;
  }

  /** The two commands of the next snapshot of these targets; the names of the new layers are new each time. */
  nextSnapshot(
    options: { targets?: string[]; power?: FreezeBody['power']; quiesceMs?: number | null; memory?: boolean; nvram?: boolean } = {},
  ): {
    create: CommandBody;
    freeze: FreezeBody;
  } {
    const { targets = ['vda', 'vdb'], power = 'ON', quiesceMs = null, memory = false, nvram = false } = options;
    const snapshot = randomUUID();
    const kept = (isWanted: boolean, kind: 'mem' | 'nvram') =>
      isWanted ? { pool: 'pool', fileName: `snapshot-${snapshot}.${kind}` } : null;
    const number = this.nextNumber();
    const volumes = this.volumes
      .filter(({ target }) => targets.includes(target))
      .map(({ volumeId, target, files }) => ({
        volumeId,
        target,
        pool: 'pool',
        newFileName: `volume-${volumeId}.${number}.qcow2`,
        chain: files.map((fileName) => ({ pool: 'pool', fileName, format: 'qcow2' as const })),
      }));
    const quiesce = quiesceMs === null ? null : { deadlineMs: quiesceMs };
    return {
      create: {
        verb: 'create-layers',
        machineUuid: this.uuid,
        volumes: volumes.map((volume) => ({ ...volume, over: 'HEAD' as const, virtualBytes: 64 * 1024 * 1024 })),
      },
      freeze: {
        verb: 'freeze-layers',
        machineUuid: this.uuid,
        power,
        quiesce,
        memory: kept(memory, 'mem'),
        nvram: kept(nvram, 'nvram'),
        volumes,
      },
    };
  }

  /** Takes over what a freeze-layers made true. */
  record({ volumes }: FreezeBody): void {
    for (const { volumeId, newFileName } of volumes) {
      const volume = this.volumes.find((candidate) => candidate.volumeId === volumeId);
      if (volume !== undefined) volume.files = [newFileName, ...volume.files];
    }
  }

  /** Both commands; records the new chain where they succeeded. */
  async snapshot(options: Parameters<TestMachine['nextSnapshot']>[0] = {}): Promise<Extract<CommandResult, { verb: 'freeze-layers' }>> {
    const { create, freeze } = this.nextSnapshot(options);
    resultOf(await this.world.api.run(create), 'create-layers');
    const result = resultOf(await this.world.api.run(freeze), 'freeze-layers');
    this.record(freeze);
    return result;
  }

  /** The heads that are believed in, by target. */
  heads(): Record<string, string> {
    return Object.fromEntries(this.volumes.map(({ target, files }) => [target, files[0] ?? '']));
  }

  async freezeStatus(): Promise<unknown> {
    return askGuestAgent(this.world.uri, this.name, { execute: 'guest-fsfreeze-status' });
  }

  async exec(script: string): Promise<string> {
    return (await guestExec({ libvirtUri: this.world.uri, name: this.name }, ['sh', '-c', script])).stdout;
  }
}

/** The result of a command that has to have succeeded. */
export function resultOf<Verb extends CommandResult['verb']>(outcome: Outcome, verb: Verb): Extract<CommandResult, { verb: Verb }> {
  if (outcome.kind !== 'done' || outcome.result.verb !== verb)
    throw new Error(`${verb} did not succeed: ${JSON.stringify(outcome, null, 1)}`);
  return outcome.result as Extract<CommandResult, { verb: Verb }>;
}
