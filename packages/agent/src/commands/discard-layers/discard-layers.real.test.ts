/** What goes, and what does not: files that something is on, has open or reads, and what is kept beside the layers of a snapshot. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandBody } from '@coppice/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HostWorld } from '../../testing/host-world.js';
import { resultOf, type TestMachine } from '../../testing/test-machine.js';

let world: HostWorld;
let machine: TestMachine;

beforeAll(async () => {
  world = await HostWorld.open();
  world.agent.start();
  machine = await world.addMachine('g1');
  await world.virsh('start', 'g1', '--paused');
  await world.api.connected();
  await machine.snapshot({ power: 'PAUSED' });
  await machine.snapshot({ power: 'PAUSED' });
});

afterAll(() => world.close());

function discard(fileNames: readonly string[], snapshotFiles: readonly string[] = []): CommandBody {
  const volumeOf = (name: string) => /^volume-(.{36})/.exec(name)?.[1] ?? '';
  return {
    verb: 'discard-layers',
    machineUuid: machine.uuid,
    layers: fileNames.map((fileName) => ({ volumeId: volumeOf(fileName), pool: 'pool', fileName })),
    snapshotFiles: snapshotFiles.map((fileName) => ({ pool: 'pool', fileName })),
  };
}

it('refuses what a machine is on, and what its chain reads; the API may try again', async () => {
  const [head = '', frozen = ''] = machine.volumes[0]?.files ?? [];
  const refusal = { kind: 'failed', failure: { code: 'MACHINE_DRIFTED', retryable: true } };
  expect(await world.api.run(discard([head]))).toMatchObject(refusal);
  const open = { kind: 'failed', failure: { code: 'MACHINE_BUSY', retryable: true } };
  expect(await world.api.run(discard([frozen]))).toMatchObject(open);
  // The headers say that nobody reads it any more, and QEMU still has it open.
  const [, , base = ''] = machine.volumes[0]?.files ?? [];
  expect(await world.api.run(discard([frozen, base]))).toMatchObject(open);
  expect(await readdir(world.poolDir)).toEqual(expect.arrayContaining([head, frozen, base]));
});

it('removes what was kept of a snapshot, once or twice, and only by the names that Coppice gives', async () => {
  const names = [`snapshot-${machine.uuid}.mem`, `snapshot-${machine.uuid}.nvram`];
  for (const name of names) await writeFile(join(world.poolDir, name), 'secret');
  for (const _ of [1, 2]) expect(resultOf(await world.api.run(discard([], names)), 'discard-layers').discarded).toEqual(names);
  expect((await readdir(world.poolDir)).filter((name) => name.startsWith('snapshot-'))).toEqual([]);
});

it('takes the chain out of a persistent definition that still spells a layer out which goes', async () => {
  await world.virsh('destroy', 'g1');
  const [, frozen = ''] = machine.volumes[0]?.files ?? [];
  expect(await world.virsh('dumpxml', 'g1', '--inactive')).toContain(frozen);
  // As an offline merge leaves it: the head reads the base, the layer between is superfluous.
  const [head = '', , base = ''] = machine.volumes[0]?.files ?? [];
  await world.rebase(head, base);
  expect(resultOf(await world.api.run(discard([frozen])), 'discard-layers').discarded).toEqual([frozen]);
  expect(await world.virsh('dumpxml', 'g1', '--inactive')).not.toContain(frozen);
  await world.virsh('start', 'g1', '--paused');
  expect(await world.virsh('dumpxml', 'g1')).toContain(base);
});
