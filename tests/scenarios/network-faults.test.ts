/** The network between an agent and the API is cut, or goes silent, while a snapshot is being made: same outcome as without. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectOneOperationAtATime } from '../testkit/on-disk.js';
import { expectHonestContent, expectSettled } from '../testkit/settled.js';
import { beginSnapshot, snapshotIn, takeSnapshot } from '../testkit/snapshot-calls.js';
import { type KnownMachine, World } from '../testkit/world.js';
import type { LabHost } from '../testkit/lab-host.js';

let world: World;
let host: LabHost;
let known: KnownMachine;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
  host = world.host('h1');
  known = await world.addMachine({ name: 'web-1' });
});
afterAll(async () => {
  await world?.stop();
});

function begin(quiesce: boolean): Promise<{ id: string }> {
  return beginSnapshot(world.as(world.acme.operatorToken), known, { quiesce });
}

it('VM-20: it is cut while a snapshot is CREATING: same outcome as without', async () => {
  host.agent.pause();
  const { id } = await begin(true);
  await snapshotIn(world.admin, id, 'CREATING');
  host.link.cut();
  host.agent.resume();
  await known.machine.writes();
  host.link.mend();
  await snapshotIn(world.admin, id, 'READY');
  await expectHonestContent(world, await expectSettled(world, known, id));
});

// Few: the agent's pause before it tries again doubles with each short session, as it shall.
it.each([0, 60, 180])('it is cut %d ms after the mutation, and mended', async (delayMs) => {
  const { id } = await begin(true);
  // Chance is wanted here: the cut may fall before, into or after any step. What must be true afterwards is the same.
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  host.link.cut();
  host.link.mend();
  await snapshotIn(world.admin, id, 'READY');
  await expectHonestContent(world, await expectSettled(world, known, id));
});

it('it goes silent as when a cable is pulled: the session is given up by both sides, and the work goes on when it is mended', async () => {
  host.link.goSilent();
  await world.waitForHost('h1', 'DISCONNECTED');
  host.link.mend();
  await world.waitForHost('h1');
  await takeSnapshot(world.as(world.acme.operatorToken), known, { quiesce: true });
});

it('after all of it: one operation at a time, nothing claimed', async () => {
  await expectOneOperationAtATime(world);
  expect(world.replica().process.isRunning()).toBe(true);
});
