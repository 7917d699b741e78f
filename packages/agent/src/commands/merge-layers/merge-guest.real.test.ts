/** Merges below and into the head of a guest that works meanwhile: its files stay what they were, and it never stands still for long. */
import { tickSocketOf, TickListener } from '@coppice/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HostWorld } from '../../testing/host-world.js';
import { resultOf, type TestMachine, type TestVolume } from '../../testing/test-machine.js';

/** A guest under emulation on a machine that is busy with other tests. */
const LONGEST_STALL_MS = 15_000;

let world: HostWorld;
let machine: TestMachine;
let checksums: string;

beforeAll(async () => {
  ({ world, machine } = await HostWorld.withMachine({ boots: true }));
  for (const round of [1, 2, 3]) {
    await machine.exec(`dd if=/dev/urandom of=/a/f${round} bs=64k count=32; dd if=/dev/urandom of=/a/f bs=64k count=16; sync`);
    await machine.snapshot();
  }
  checksums = await machine.exec('cd /a && sha256sum f f1 f2 f3');
});
afterAll(() => world.close());

function vda(): TestVolume {
  const [volume] = machine.volumes;
  if (volume === undefined) throw new Error('the machine has no disk');
  return volume;
}

/** The command for a run of the first disk's layers, and what it makes true. */
async function merge(from: number, runLength: number, into: 'reader' | 'lowest'): Promise<void> {
  const { files, volumeId } = vda();
  const links = files.map((fileName) => ({ pool: 'pool', fileName, format: 'qcow2' as const }));
  const above = links.slice(0, from);
  const outcome = await world.api.run({
    verb: 'merge-layers',
    machineUuid: machine.uuid,
    volumeId,
    how: 'LIVE',
    target: 'vda',
    above,
    chain: links.slice(from),
    runLength,
    into: into === 'reader' ? 0 : runLength - 1,
    readers: above.slice(-1),
    bytesPerSecond: null,
  });
  expect(resultOf(outcome, 'merge-layers').bytesMoved).toBeGreaterThan(0);
  const kept = files[from + (into === 'reader' ? 0 : runLength - 1)] ?? '';
  vda().files = [...files.slice(0, from), kept, ...files.slice(from + runLength)];
}

it.each([
  { from: 1, runLength: 2, into: 'lowest' },
  { from: 0, runLength: 2, into: 'reader' },
] as const)('layers $from and below of a working guest become one, the $into', async ({ from, runLength, into }) => {
  const listener = await TickListener.open(tickSocketOf(machine.guest));
  await merge(from, runLength, into);
  await listener.next(5);
  listener.close();
  expect(listener.longestGapMs()).toBeLessThan(LONGEST_STALL_MS);
  expect(await machine.exec('echo 3 > /proc/sys/vm/drop_caches; cd /a && sha256sum f f1 f2 f3')).toBe(checksums);
});

it('after both the guest boots from what is left', async () => {
  expect(vda().files).toHaveLength(2);
  await world.virsh('destroy', 'g1');
  await world.boot(machine);
  expect(await machine.exec('cd /a && sha256sum f f1 f2 f3')).toBe(checksums);
});

it('tells what its layers hold when the API asks', async () => {
  const requestId = '7c1f9a8e-0000-4000-8000-000000000002';
  const layers = vda().files.map((fileName) => ({ pool: 'pool', fileName, format: 'qcow2' as const }));
  world.api.send({ type: 'layers.measure-requested', requestId, layers });
  await expect.poll(() => world.api.all('layers.measured').length, { timeout: 120_000 }).toBe(1);
  const [measured] = world.api.all('layers.measured');
  expect(measured?.layers.map(({ fileName }) => fileName)).toEqual(vda().files);
  for (const { allocatedBytes, dataMap } of measured?.layers ?? []) {
    expect(allocatedBytes).toBeGreaterThan(0);
    expect(dataMap).not.toBe('');
  }
});
