/** Snapshots with memory: the guest goes on where it was, twice from one file, and nothing is left of a save that fails. */
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TickListener, tickSocketOf } from '@coppice/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HostWorld } from '../testing/host-world.js';
import { resultOf, type TestMachine } from '../testing/test-machine.js';
import { revert, revertTo, take, type TakenSnapshot } from '../testing/test-revert.js';

let world: HostWorld;
let machine: TestMachine;
let taken: TakenSnapshot;
/** The writer's last round before the snapshot and the first after it. */
let around: { before: number; after: number; bootId: string };

beforeAll(async () => {
  world = await HostWorld.open();
  world.agent.start();
  machine = await world.addMachine('g1');
  await world.boot(machine);
  await world.api.connected();
});

afterAll(() => world.close());

async function lastTick(): Promise<{ n: number; bootId: string }> {
  const listener = await TickListener.open(tickSocketOf(machine.guest));
  const ticks = await listener.next(1);
  listener.close();
  const tick = ticks.at(-1);
  if (tick === undefined) throw new Error('no tick');
  return tick;
}

function memoryFile({ freeze }: TakenSnapshot): string {
  return join(world.poolDir, freeze.memory?.fileName ?? '');
}

async function hashes(): Promise<string[]> {
  const files = [memoryFile(taken), ...taken.result.volumes.map(({ frozen }) => join(world.poolDir, frozen.fileName))];
  return Promise.all(
    files.map(async (file) =>
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ),
  );
}

it('saves the memory into a file for its owner alone, and the guest goes on', async () => {
  const listener = await TickListener.open(tickSocketOf(machine.guest));
  const [first] = await listener.next(3);
  const began = performance.now();
  taken = await take(machine, { memory: true });
  await listener.next(3);
  const { before, after } = { before: first?.n ?? 0, after: listener.ticks.at(-1)?.n ?? 0 };
  around = { before, after, bootId: first?.bootId ?? '' };
  expect(listener.longestGapMs(began)).toBeLessThan(5_000);
  listener.close();
  expect(taken.result.consistency).toBe('MEMORY');
  expect(statSync(memoryFile(taken)).mode & 0o777).toBe(0o600);
  expect(taken.result.memoryBytes).toBe(statSync(memoryFile(taken)).blocks * 512);
  expect(taken.result.memoryBytes).toBeGreaterThan(10_000_000);
  expect(await world.sources(machine)).toEqual(machine.heads());
  expect(await world.sources(machine, true)).toEqual(machine.heads());
});

it('goes on where it was, running and stopped, three times from one file, and writes no frozen file', async () => {
  const before = await hashes();
  for (const power of ['ON', 'OFF', 'ON'] as const) {
    if (power === 'OFF') await world.virsh('destroy', 'g1');
    const result = await revert(machine, taken, { power });
    expect(result.power).toBe('ON');
    const tick = await lastTick();
    expect(tick.bootId).toBe(around.bootId);
    expect(tick.n).toBeGreaterThan(around.before);
    expect(tick.n).toBeLessThan(around.after + 1000);
    expect(await world.sources(machine)).toEqual(machine.heads());
    expect(await world.sources(machine, true)).toEqual(machine.heads());
  }
  expect(await hashes()).toEqual(before);
});

it('refuses memory of a machine that is off or paused, and memory with a quiesce', async () => {
  const refusal = async (options: Parameters<TestMachine['nextSnapshot']>[0]) => {
    const { create, freeze } = machine.nextSnapshot({ memory: true, ...options });
    resultOf(await world.api.run(create), 'create-layers');
    const outcome = await world.api.run(freeze);
    expect(existsSync(join(world.poolDir, freeze.memory?.fileName ?? ''))).toBe(false);
    return outcome.kind === 'failed' ? outcome.failure.code : outcome.kind;
  };
  expect(await refusal({ quiesceMs: 5_000 })).toBe('CAPABILITY_DISABLED');
  await world.virsh('suspend', 'g1');
  expect(await refusal({ power: 'PAUSED' })).toBe('MACHINE_STATE');
  await world.virsh('resume', 'g1');
  expect(await world.sources(machine)).toEqual(machine.heads());
});

it('a memory that is not there is NOT_REVERTIBLE before anything is stopped', async () => {
  const { create, switchHeads } = revertTo(machine, taken);
  resultOf(await world.api.run(create), 'create-layers');
  const { memory } = switchHeads;
  if (memory === null) throw new Error('there is memory');
  const gone = { ...memory, file: { pool: 'pool', fileName: `snapshot-${machine.uuid}.mem` } };
  expect(await world.api.run({ ...switchHeads, memory: gone })).toMatchObject({ failure: { code: 'NOT_REVERTIBLE' } });
  expect((await lastTick()).bootId).toBe(around.bootId);
  expect(await readdir(world.poolDir)).toContain(switchHeads.volumes[0]?.newFileName);
});
