/** UEFI variables: kept with a snapshot, put back by a revert, and the present ones again where the revert fails. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HostWorld } from '../../testing/host-world.js';
import { resultOf, type TestMachine } from '../../testing/test-machine.js';
import { revert, revertTo, take, type TakenSnapshot } from '../../testing/test-revert.js';

/** Any flash image does: the machine is never let go on. */
const FIRMWARE = '/usr/share/seabios/bios-256k.bin';
const FLASH_BYTES = 128 * 1024;

let world: HostWorld;
let machine: TestMachine;
let taken: TakenSnapshot;
let nvram: string;

beforeAll(async () => {
  world = await HostWorld.open();
  world.agent.start();
  machine = await world.addMachine('g1');
  nvram = join(world.dir, 'g1_VARS.fd');
  await put('one');
  const firmware = `<loader readonly='yes' type='pflash'>${FIRMWARE}</loader><nvram>${nvram}</nvram>`;
  const xml = (await world.virsh('dumpxml', 'g1', '--inactive')).replace('</type>', `</type>${firmware}`);
  await writeFile(join(world.dir, 'g1.xml'), xml);
  await world.virsh('define', join(world.dir, 'g1.xml'));
  await world.virsh('start', 'g1', '--paused');
  await world.api.connected();
  taken = await take(machine, { power: 'PAUSED', nvram: true });
  await world.virsh('destroy', 'g1');
  await put('two');
});

afterAll(async () => {
  await world.virsh('undefine', 'g1', '--nvram');
  await world.close();
});

async function put(text: string): Promise<void> {
  await writeFile(nvram, Buffer.alloc(FLASH_BYTES, text));
}

async function word(path: string): Promise<string> {
  return (await readFile(path)).toString('latin1', 0, 3);
}

async function expectNothingBeside(): Promise<void> {
  expect((await readdir(world.dir)).filter((name) => name.startsWith('g1_VARS.fd'))).toEqual(['g1_VARS.fd']);
}

it('keeps a copy with the snapshot', async () => {
  expect(taken.result.hasNvram).toBe(true);
  expect(await word(join(world.poolDir, taken.freeze.nvram?.fileName ?? ''))).toBe('one');
});

it('has the variables of before where the revert fails', async () => {
  const broken = taken.result.definition.inactiveXml.replace(/<kernel>[^<]*/, '<kernel>/no/such/kernel');
  const { create, switchHeads } = revertTo(machine, taken, { power: 'OFF', inactiveXml: broken, start: true });
  resultOf(await world.api.run(create), 'create-layers');
  expect(await world.api.run(switchHeads)).toMatchObject({ kind: 'failed', left: 'NOTHING' });
  expect(await word(nvram)).toBe('two');
  expect(await world.sources(machine, true)).toEqual(machine.heads());
  await expectNothingBeside();
});

it('has those of the snapshot after the revert', async () => {
  expect(await revert(machine, taken, { power: 'OFF' })).toMatchObject({ power: 'OFF' });
  expect(await word(nvram)).toBe('one');
  await expectNothingBeside();
});
