/** VM-23: a disk of 20 GiB that holds little is snapshotted and reverted in seconds, whatever its size. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { attachByHand, newDiskImage } from '../testkit/by-hand.js';
import { showsPattern, writePattern } from '../testkit/content.js';
import { machineBecomes } from '../testkit/machine-calls.js';
import { doTo } from '../testkit/operation-calls.js';
import { headOf } from '../testkit/outside-probes.js';
import { takeSnapshot } from '../testkit/snapshot-calls.js';
import { revertTo } from '../testkit/tree-calls.js';
import { World } from '../testkit/world.js';

const GIB = 1024 ** 3;
/** Milliseconds; what an operator calls seconds, on a machine that has other work. */
const SECONDS = 15_000;

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

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

it('VM-23: create and revert of a 20 GiB sparse disk take seconds', async () => {
  const known = await world.addMachine({ name: 'large', power: 'off' });
  const image = await newDiskImage(world.poolDir, 20 * GIB);
  await attachByHand(known.machine, { path: image.path, target: 'vdc' });
  await machineBecomes(owner(), known, ({ drift }) => drift !== null);
  await doTo(owner(), 'reconcileVirtualMachine', { virtualMachineId: known.id, action: 'ADOPT' });
  await machineBecomes(owner(), known, ({ drift, operation }) => drift === null && operation === null);
  await writePattern(await headOf(known.machine, 'vdc'), early);

  const taken: string[] = [];
  expect(await timed(async () => taken.push((await takeSnapshot(owner(), known, { name: 'then' })).id))).toBeLessThan(SECONDS);
  await writePattern(await headOf(known.machine, 'vdc'), late);
  expect(await showsPattern(await headOf(known.machine, 'vdc'), late)).toBe(true);
  expect(await timed(() => revertTo(owner(), known, { snapshot: { id: taken[0] ?? '' } }))).toBeLessThan(SECONDS);
  expect(await showsPattern(await headOf(known.machine, 'vdc'), early)).toBe(true);
});
