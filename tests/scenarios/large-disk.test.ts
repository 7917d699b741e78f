/** VM-23: a disk of 20 GiB that holds little is snapshotted and reverted without any of its content being moved, whatever its size. */
import { stat } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { attachByHand, newDiskImage } from '../testkit/by-hand.js';
import { showsPattern, writePattern } from '../testkit/content.js';
import { machineBecomes } from '../testkit/machine-calls.js';
import { doTo } from '../testkit/operation-calls.js';
import { headOf } from '../testkit/outside-probes.js';
import { takeSnapshot } from '../testkit/snapshot-calls.js';
import { planRevert, revertTo } from '../testkit/tree-calls.js';
import { type KnownMachine, World } from '../testkit/world.js';

const GIB = 1024 ** 3;
/** What an empty layer of such a disk takes at most: header, tables, and no data. */
const EMPTY_BYTES = 1024 * 1024;

let world: World;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
});
afterAll(async () => {
  await world?.stop();
});

const owner = () => world.as(world.acme.ownerToken);
const early = { offset: 19 * GIB, length: 64 * 1024, byte: 1 };
const late = { offset: 19 * GIB, length: 64 * 1024, byte: 2 };

/** What the machine writes to is a layer without data. */
async function expectEmptyHead(known: KnownMachine): Promise<void> {
  expect((await stat(await headOf(known.machine, 'vdc'))).blocks * 512).toBeLessThan(EMPTY_BYTES);
}

it('VM-23: create and revert of a 20 GiB sparse disk move nothing of it', async () => {
  const known = await world.addMachine({ name: 'large', power: 'off' });
  const image = await newDiskImage(world.poolDir, 20 * GIB);
  await attachByHand(known.machine, { path: image.path, target: 'vdc' });
  await machineBecomes(owner(), known, ({ drift }) => drift !== null);
  await doTo(owner(), 'reconcileVirtualMachine', { virtualMachineId: known.id, action: 'ADOPT' });
  await machineBecomes(owner(), known, ({ drift, operation }) => drift === null && operation === null);
  await writePattern(await headOf(known.machine, 'vdc'), early);

  const snapshot = await takeSnapshot(owner(), known, { name: 'then' });
  await expectEmptyHead(known);
  await writePattern(await headOf(known.machine, 'vdc'), late);
  expect(await showsPattern(await headOf(known.machine, 'vdc'), late)).toBe(true);
  expect((await planRevert(owner(), snapshot.id)).bytesToMove).toBe(0);
  await revertTo(owner(), known, { snapshot });
  await expectEmptyHead(known);
  expect(await showsPattern(await headOf(known.machine, 'vdc'), early)).toBe(true);
});
