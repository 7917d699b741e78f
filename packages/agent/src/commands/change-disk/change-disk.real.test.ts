/** Disks are attached to and detached from machines of a real libvirt, running and stopped, also when the agent dies in between. */
import { randomUUID } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandBody } from '@coppice/protocol';
import { runProgram } from '@coppice/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answerAfterCrash } from '../../testing/answer-after-crash.js';
import { HostWorld } from '../../testing/host-world.js';
import { resultOf, type TestMachine } from '../../testing/test-machine.js';
import { until } from '../../testing/until.js';

let world: HostWorld;
let machine: TestMachine;

beforeAll(async () => {
  ({ world, machine } = await HostWorld.withMachine({ boots: true }));
});

afterAll(() => world.close());

async function newVolume(): Promise<{ volumeId: string; fileName: string }> {
  const volumeId = randomUUID();
  const fileName = `volume-${volumeId}.0.qcow2`;
  await runProgram('qemu-img', ['create', '-f', 'qcow2', join(world.poolDir, fileName), '8M'], { deadlineMs: 20_000 });
  return { volumeId, fileName };
}

function change(kind: 'ATTACH' | 'DETACH', volume: { volumeId: string; fileName: string }): CommandBody {
  const chain = [{ pool: 'pool', fileName: volume.fileName, format: 'qcow2' as const }];
  return { verb: 'change-disk', machineUuid: machine.uuid, change: kind, volumeId: volume.volumeId, target: 'vdc', chain };
}

/** A guest finds a disk in its own time. */
async function serialInGuest(): Promise<string> {
  return until('the guest to find the disk', async () => (await machine.exec('cat /sys/block/vdc/serial')).trim() || undefined);
}

it('attaches and detaches a disk of a running machine, in both definitions, at every point of a crash', async () => {
  const volume = await newVolume();
  const here = { ...machine.heads(), vdc: volume.fileName };
  for (const point of ['change-disk/before-live', 'change-disk/before-finished-record'] as const) {
    resultOf(await answerAfterCrash(world, change('ATTACH', volume), { point }), 'change-disk');
    expect(await world.sources(machine)).toEqual(here);
    expect(await world.sources(machine, true)).toEqual(here);
    expect(await world.virsh('dumpxml', machine.name)).toContain(`<serial>${volume.volumeId.replaceAll('-', '').slice(0, 20)}</serial>`);
    expect(await serialInGuest()).toBe(volume.volumeId.replaceAll('-', '').slice(0, 20));
    resultOf(await world.api.run(change('DETACH', volume)), 'change-disk');
    expect(await world.sources(machine)).toEqual(machine.heads());
  }
  resultOf(await world.api.run(change('ATTACH', volume)), 'change-disk');
  resultOf(await answerAfterCrash(world, change('DETACH', volume), { point: 'change-disk/between' }), 'change-disk');
  expect(await world.sources(machine)).toEqual(machine.heads());
  expect(await world.sources(machine, true)).toEqual(machine.heads());
  expect(await readdir(world.poolDir)).toContain(volume.fileName);
});

it('completes what somebody left half attached, and refuses a target that is taken and a head that is in use', async () => {
  const volume = await newVolume();
  const path = join(world.poolDir, volume.fileName);
  await world.virsh('attach-disk', machine.name, path, 'vdc', '--live', '--subdriver', 'qcow2', '--targetbus', 'virtio');
  resultOf(await world.api.run(change('ATTACH', volume)), 'change-disk');
  expect((await world.sources(machine, true))['vdc']).toBe(volume.fileName);
  const other = await newVolume();
  expect(await world.api.run(change('ATTACH', other))).toMatchObject({ failure: { code: 'MACHINE_DRIFTED' } });
  expect(await world.api.run({ ...change('ATTACH', volume), target: 'vdd' } as CommandBody)).toMatchObject({
    failure: { code: 'MACHINE_BUSY' },
  });
  await world.virsh('suspend', machine.name);
  expect(await world.api.run(change('DETACH', volume))).toMatchObject({ failure: { code: 'MACHINE_STATE' } });
  await world.virsh('resume', machine.name);
  await world.virsh('destroy', machine.name);
  resultOf(await world.api.run(change('DETACH', volume)), 'change-disk');
  resultOf(await world.api.run(change('ATTACH', volume)), 'change-disk');
  expect((await world.sources(machine, true))['vdc']).toBe(volume.fileName);
  resultOf(await world.api.run(change('DETACH', volume)), 'change-disk');
});

it('says that a machine has no PCI slot left, and attaches nothing', async () => {
  const full = await world.addMachine('full');
  await fillSlots(full);
  await world.virsh('start', full.name, '--paused');
  // libvirt keeps a slot or two for what is hot-plugged.
  for (const target of ['vdc', 'vdd', 'vde']) {
    const outcome = await world.api.run({ ...change('ATTACH', await newVolume()), machineUuid: full.uuid, target });
    if (outcome.kind === 'done') continue;
    expect(outcome).toMatchObject({ failure: { code: 'MACHINE_STATE', message: expect.stringContaining('PCI slot') } });
    expect((await world.sources(full))[target]).toBeUndefined();
    expect((await world.sources(full, true))[target]).toBeUndefined();
    return;
  }
  throw new Error('every disk found a slot');
});

/** Gives a machine as many controllers as its one bus takes without a bridge to another. */
async function fillSlots(full: TestMachine): Promise<void> {
  const xml = join(world.dir, 'full.xml');
  const defined = await world.virsh('dumpxml', full.name, '--inactive');
  for (let count = 29; count > 0; count -= 1) {
    const controllers = Array.from({ length: count }, (_, index) => `<controller type='virtio-serial' index='${index + 1}'/>`).join('');
    await writeFile(xml, defined.replace('</devices>', `${controllers}</devices>`));
    await world.virsh('define', xml);
    if (!(await world.virsh('dumpxml', full.name, '--inactive')).includes('pci-bridge')) return;
  }
}
