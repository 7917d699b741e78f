/** lab.md, t-race 4: libvirtd died inside the transaction, QEMU has switched, and libvirt goes on to believe the old files. Made by hand here. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { disksOf, layerFilesOf } from '../testkit/outside-probes.js';
import { expectHonestContent, expectSettled } from '../testkit/settled.js';
import { beginSnapshot, snapshotIn, takeSnapshot } from '../testkit/snapshot-calls.js';
import { waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';

let world: World;
let known: KnownMachine;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
  known = await world.addMachine({ name: 'web-1' });
});
afterAll(async () => {
  await world?.stop();
});

interface BlockDevice {
  readonly inserted?: { readonly file: string; readonly 'node-name': string };
}

async function monitor<T>(command: object): Promise<T> {
  const answer = JSON.parse(await known.machine.virsh('qemu-monitor-command', known.machine.name, JSON.stringify(command))) as {
    return: T;
  };
  return answer.return;
}

/** What libvirt would have asked of QEMU, without libvirt's knowing. */
async function switchBehindLibvirt(): Promise<void> {
  const devices = await monitor<BlockDevice[]>({ execute: 'query-block' });
  const actions: object[] = [];
  for (const [index, disk] of known.machine.guest.disks.entries()) {
    const newest = (await layerFilesOf(world.poolDir, disk.volumeUuid)).toSorted().at(-1);
    const device = devices.find(({ inserted }) => inserted?.file.includes(disk.volumeUuid));
    const file = { driver: 'file', filename: join(world.poolDir, newest ?? '') };
    await monitor({ execute: 'blockdev-add', arguments: { driver: 'qcow2', 'node-name': `by-hand-${index}`, file, backing: null } });
    actions.push({ type: 'blockdev-snapshot', data: { node: device?.inserted?.['node-name'], overlay: `by-hand-${index}` } });
  }
  await monitor({ execute: 'transaction', arguments: { actions } });
}

it('is rolled forward, shown as drift, and right again once the machine was stopped and started; nothing is lost', async () => {
  const { agent } = world.host('h1');
  await agent.end('SIGTERM');
  await world.waitForHost('h1', 'DISCONNECTED');
  agent.start({ COPPICE_AGENT_CRASH_AT: 'freeze-layers/before-transaction' });
  await world.waitForHost('h1');
  const { id } = await beginSnapshot(world.as(world.acme.operatorToken), known, {});
  await agent.hasEnded();
  await switchBehindLibvirt();
  await known.machine.writes();
  agent.start();

  await snapshotIn(world.admin, id, 'READY');
  const believed = await disksOf(known.machine, 'live');
  const defined = await disksOf(known.machine, 'persistent');
  expect(believed['vda']).toMatch(/\.0\.qcow2$/);
  expect(defined['vda']).toMatch(/\.1\.qcow2$/);
  await waitUntil('the drift to be shown', async () => {
    const rows = await world.database.sql('SELECT 1 FROM virtual_machine WHERE drift IS NOT NULL');
    return rows.length === 1;
  });

  await known.machine.cutPower();
  await known.machine.start();
  await waitUntil('the machine to be as recorded again', async () => {
    const rows = await world.database.sql(
      `SELECT 1 FROM virtual_machine WHERE drift IS NULL AND power_state = 'ON' AND guest_agent = 'CONNECTED'`,
    );
    return rows.length === 1;
  });
  await expectHonestContent(world, await expectSettled(world, known, id));
  expect((await takeSnapshot(world.as(world.acme.operatorToken), known, { quiesce: true })).consistency).toBe('FILESYSTEM');
});
