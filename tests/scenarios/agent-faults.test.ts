/** VM-20, FL-create: the agent is killed, cut off or paused while a snapshot is being made. Its crash points are its own (packages/agent). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CRASH_POINTS } from '@coppice/agent';
import { hangGuestAgent } from '../testkit/guest-faults.js';
import type { LabHost } from '../testkit/lab-host.js';
import { expectChains, expectOneOperationAtATime } from '../testkit/on-disk.js';
import { isFrozen } from '../testkit/outside-probes.js';
import { expectHonestContent, expectSettled } from '../testkit/settled.js';
import { beginSnapshot, machineIsIdle, snapshotIn, takeSnapshot } from '../testkit/snapshot-calls.js';
import { type KnownMachine, World } from '../testkit/world.js';

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

/** Ends the agent and starts it again; `env` holds for that start only. */
async function restartAgent(env: Record<string, string> = {}): Promise<void> {
  await host.agent.end('SIGTERM');
  await world.waitForHost('h1', 'DISCONNECTED');
  host.agent.start(env);
  await world.waitForHost('h1');
}

function begin(quiesce: boolean): Promise<{ id: string }> {
  return beginSnapshot(world.as(world.acme.operatorToken), known, { quiesce });
}

it('VM-20: the agent is killed while a snapshot is CREATING and started again: the snapshot becomes READY', async () => {
  host.agent.pause();
  const { id } = await begin(true);
  await snapshotIn(world.admin, id, 'CREATING');
  await host.agent.end('SIGKILL');
  await known.machine.writes();
  host.agent.start();
  await snapshotIn(world.admin, id, 'READY');
  await expectHonestContent(world, await expectSettled(world, known, id));
});

const points = Object.keys(CRASH_POINTS);

const ofCreate = points.filter((point) => point.startsWith('create-layers/') || point.startsWith('freeze-layers/'));

describe.each(ofCreate)('FL-create: killed at its crash point %s', (point) => {
  it('the guest is never left frozen, and the snapshot is READY or has failed and left nothing', async () => {
    await restartAgent({ COPPICE_AGENT_CRASH_AT: point });
    const { id } = await begin(true);
    await host.agent.hasEnded();
    // Nobody starts the agent yet: what it left frozen must thaw without it.
    await known.machine.writes();
    expect(await isFrozen(known.machine)).toBe(false);
    host.agent.start();
    const ended = await expectSettled(world, known, id);
    expect(['READY', 'ERROR']).toContain(ended.state);
    if (ended.state === 'READY') await expectHonestContent(world, ended);
    // And the next one works, whatever the crash has left.
    expect((await takeSnapshot(world.as(world.acme.operatorToken), known, { quiesce: true })).consistency).toBe('FILESYSTEM');
  });
});

describe('killed while it takes back what a failed snapshot has made', () => {
  let hung: KnownMachine;
  beforeAll(async () => {
    await restartAgent();
    hung = await world.addMachine({ name: 'hung' });
    await hangGuestAgent(hung.machine);
  });

  it.each(points.filter((point) => point.startsWith('discard-layers/')))('at %s: no file is left', async (point) => {
    await restartAgent({ COPPICE_AGENT_CRASH_AT: point });
    const { id } = await beginSnapshot(world.as(world.acme.operatorToken), hung, { quiesce: true });
    await host.agent.hasEnded();
    host.agent.start();
    const tree = await machineIsIdle(world.admin, hung);
    expect(tree.snapshotTree.nodes.find((node) => node.id === id)?.error?.code).toBe('GUEST_AGENT_UNAVAILABLE');
    await expectChains(world, hung, { vda: 1, vdb: 1 });
    await hung.machine.writes();
  });
});

it('after all of it: one operation at a time, nothing claimed', async () => {
  await expectOneOperationAtATime(world);
});
