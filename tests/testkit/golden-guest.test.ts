import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { guestExec } from '@coppice/lab';
import { type GoldenGuest, goldenGuest } from './golden-guest.js';
import { LabHost } from './lab-host.js';
import { endHypervisor } from './ledger.js';
import { Machine } from './machine.js';
import { chainOnDisk, disksOf, isFrozen } from './outside-probes.js';
import { runFolder, takePort } from './run-folder.js';

let dir: string;
let golden: GoldenGuest;
let host: LabHost;

beforeAll(async () => {
  dir = await mkdtemp(join(runFolder(), 'golden-test-'));
  golden = await goldenGuest();
  host = await LabHost.create({ name: 'h1', dir, poolDir: dir, apiPort: await takePort(), golden });
});

afterAll(async () => {
  await host.link.close();
  await endHypervisor(host.place);
});

it('restores guests that are machines of their own: names, disks, agents and writers', async () => {
  const create = (name: string): Promise<Machine> =>
    Machine.create({ name, libvirtUri: host.libvirtUri, poolDir: dir, runDir: host.place.runDir, logDir: join(dir, 'log'), golden });
  const [one, two] = [await create('one'), await create('two')];
  const listener = await two.listen();
  const ticks = await listener.next(10);
  listener.close();

  expect(ticks.some((tick) => tick.hasError)).toBe(false);
  expect(await isFrozen(one)).toBe(false);
  await guestExec({ libvirtUri: one.libvirtUri, name: 'one' }, ['sh', '-c', 'echo here > /a/only-in-one; sync']);
  expect((await guestExec({ libvirtUri: two.libvirtUri, name: 'two' }, ['ls', '/a'])).stdout).not.toContain('only-in-one');
  for (const machine of [one, two]) {
    const disks = await disksOf(machine, 'live');
    expect(disks).toEqual({ vda: machine.guest.disks[0]?.path, vdb: machine.guest.disks[1]?.path });
    expect(await chainOnDisk(disks['vda'] ?? '')).toMatchObject([{ format: 'qcow2', backingName: undefined }]);
  }
});
