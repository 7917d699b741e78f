/** EX: images that attack, put where a machine's disk is just before the host is to work on it. Refused by what their headers say, never opened by QEMU. */
import { randomUUID } from 'node:crypto';
import { link, open, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { runProgram } from '@coppice/lab';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { machineBecomes, machineSeen } from '../testkit/machine-calls.js';
import { expectNoOrphans } from '../testkit/on-disk.js';
import { doTo } from '../testkit/operation-calls.js';
import { chainOnDisk, disksOf, sha256Of } from '../testkit/outside-probes.js';
import { askForSnapshot, machineIsIdle, takeSnapshot } from '../testkit/snapshot-calls.js';
import { type KnownMachine, World } from '../testkit/world.js';

const SECRET = 'root:this-must-never-be-read';

let world: World;
/** A machine for each attack, and the image of its first disk. */
let known: KnownMachine;
let image: string;
let machines = 0;
/** Whoever follows an `nbd:` calls here. */
let lure: Server;
let calls = 0;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
  await writeFile(secret(), SECRET);
  lure = createServer((socket) => {
    calls += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => lure.listen(0, '127.0.0.1', resolve));
});
beforeEach(async () => {
  machines += 1;
  known = await world.addMachine({ name: `attacked-${machines}`, power: 'off' });
  image = (await disksOf(known.machine, 'persistent'))['vda'] ?? '';
});
afterAll(async () => {
  await new Promise((resolve) => lure.close(resolve));
  await world?.stop();
});

const secret = () => join(world.host('h1').dir, 'secret');

/** A header that names something else as its backing file. */
async function backing(name: string, format = 'raw'): Promise<void> {
  await runProgram('qemu-img', ['rebase', '-u', '-f', 'qcow2', '-F', format, '-b', name, image], { deadlineMs: 20_000 });
}

async function nbd(): Promise<void> {
  const address = lure.address();
  await backing(`nbd://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/disk`);
}

/** The mark of qcow2's header that its data is in another file. */
async function externalData(): Promise<void> {
  const file = await open(image, 'r+');
  await file.write(Buffer.from([0, 0, 0, 0, 0, 0, 0, 4]), 0, 8, 72);
  await file.close();
}

async function symbolicLink(): Promise<void> {
  await rename(image, join(world.host('h1').dir, 'moved'));
  await symlink(secret(), image);
}

const ATTACKS: readonly (readonly [string, () => Promise<void>])[] = [
  ['EX-1: its backing file is a file of the host', () => backing(secret())],
  ['EX-1: its backing file is json:', () => backing(`json:{"driver":"raw","file.filename":"${secret()}"}`)],
  ['EX-1: its backing file is nbd:', nbd],
  ['EX-2: its data is in another file', externalData],
  ['EX-5: it is a symbolic link', symbolicLink],
  ['EX-5: it has a second name', () => link(image, join(world.host('h1').dir, 'other-name'))],
];

it.each(ATTACKS)('%s: IMAGE_REFUSED, nothing is opened and nothing changes', async (_what, attack) => {
  await attack();
  const attacked = await readFile(image);
  await expectRefused();
  expect(await readFile(image)).toEqual(attacked);
  expect(await readFile(secret(), 'utf8')).toBe(SECRET);
  expect(calls).toBe(0);
  await expectNoOrphans(world);
});

it('EX-3: a raw disk into which its guest wrote a qcow2 header stays raw in every header and definition that names it', async () => {
  const raw = join(world.poolDir, `volume-${randomUUID()}.0.raw`);
  const header = join(world.host('h1').dir, 'header');
  await runProgram('qemu-img', ['create', '-q', '-u', '-f', 'qcow2', '-F', 'raw', '-b', secret(), header, '1M'], { deadlineMs: 20_000 });
  await writeFile(raw, Buffer.concat([await readFile(header)], 4 * 1024 * 1024));
  const before = await sha256Of(raw);
  const how = ['--driver', 'qemu', '--subdriver', 'raw', '--targetbus', 'virtio', '--config'];
  await known.machine.virsh('attach-disk', known.machine.name, raw, 'vdc', ...how);
  await machineBecomes(world.admin, known, ({ drift }) => drift !== null);
  await doTo(world.as(world.acme.ownerToken), 'reconcileVirtualMachine', { virtualMachineId: known.id, action: 'ADOPT' });
  await machineBecomes(world.admin, known, ({ drift, operation }) => drift === null && operation === null);

  await takeSnapshot(world.as(world.acme.operatorToken), known, {});
  const [head, base] = await chainOnDisk((await disksOf(known.machine, 'persistent'))['vdc'] ?? '');
  expect(head).toMatchObject({ backingName: raw, backingFormat: 'raw' });
  expect(base).toMatchObject({ format: 'raw', path: raw });
  expect(await sha256Of(raw)).toBe(before);
  await known.machine.virsh('start', known.machine.name);
  expect(await known.machine.virsh('dumpxml', known.machine.name)).toMatch(/<format type='raw'\/>\s*<source file='[^']*\.raw'/);
  await known.machine.cutPower();
});

/** A snapshot is asked for at once. If the agent has looked at the file in that instant, it is drift already, and says the same. */
async function expectRefused(): Promise<void> {
  const { snapshot, errors } = await askForSnapshot(world.as(world.acme.operatorToken), known, {});
  if (snapshot === null) {
    expect(errors.map(({ code }) => code)).toEqual(['MACHINE_DRIFTED']);
    const { drift } = await machineSeen(world.admin, known);
    expect(drift?.findings.map(({ code }) => code)).toContainEqual(expect.stringMatching(/^CHAIN_/));
    return;
  }
  const tree = await machineIsIdle(world.admin, known);
  expect(tree.snapshotTree.nodes.find((node) => node.id === snapshot.id)).toMatchObject({
    state: 'ERROR',
    error: { code: 'IMAGE_REFUSED' },
  });
}
