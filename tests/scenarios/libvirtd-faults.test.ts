/** libvirtd or QEMU dies while a snapshot is being made: what happened is looked at, never assumed. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { restartIfLibvirtLags } from '../testkit/libvirt-lag.js';
import { machineBecomes } from '../testkit/machine-calls.js';
import { expectOneOperationAtATime } from '../testkit/on-disk.js';
import { expectHonestContent, expectSettled } from '../testkit/settled.js';
import { beginSnapshot, takeSnapshot } from '../testkit/snapshot-calls.js';
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

/** After libvirtd's return the first look at a machine may still find it as it was in the middle of that. */
async function isReadyForSnapshots(): Promise<void> {
  await machineBecomes(
    world.admin,
    known,
    ({ state, guestAgent, drift, operation }) => state === 'RUNNING' && guestAgent === 'CONNECTED' && drift === null && operation === null,
  );
}

it('libvirtd is killed and started again while nothing happens: the agent finds it again, and snapshots work', async () => {
  await world.host('h1').killLibvirtd();
  await world.host('h1').startLibvirtd();
  await isReadyForSnapshots();
  const snapshot = await takeSnapshot(world.as(world.acme.operatorToken), known, { quiesce: true });
  await expectSettled(world, known, snapshot.id);
});

it.each([0, 20, 60, 120, 200, 350])('libvirtd is killed %d ms after the mutation, and started again', async (delayMs) => {
  await isReadyForSnapshots();
  const { id } = await beginSnapshot(world.as(world.acme.operatorToken), known, { quiesce: true });
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  await world.host('h1').killLibvirtd();
  await world.host('h1').startLibvirtd();
  await restartIfLibvirtLags(world, known);
  const ended = await expectSettled(world, known, id);
  if (ended.state === 'READY') await expectHonestContent(world, ended);
  else expect(ended.error?.retryable).toBeTypeOf('boolean');
});

it('the guest is powered off in the middle: READY or ERROR, and the machine starts on a chain that is right', async () => {
  await isReadyForSnapshots();
  const { id } = await beginSnapshot(world.as(world.acme.operatorToken), known, { quiesce: true });
  await known.machine.cutPower();
  await restartIfLibvirtLags(world, known);
  await expectSettled(world, known, id);
  await known.machine.start();
  await isReadyForSnapshots();
  const next = await takeSnapshot(world.as(world.acme.operatorToken), known, { quiesce: true });
  await expectHonestContent(world, await expectSettled(world, known, next.id));
  await expectOneOperationAtATime(world);
});
