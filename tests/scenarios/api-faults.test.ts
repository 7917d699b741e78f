/** VM-20 and architecture.md's failure rules: the API is killed, paused or cut off while a snapshot is being made. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectOneOperationAtATime } from '../testkit/on-disk.js';
import { expectHonestContent, expectSettled } from '../testkit/settled.js';
import { beginSnapshot, cursorOf, snapshotIn, takeSnapshot } from '../testkit/snapshot-calls.js';
import { TransitionSubscriber } from '../testkit/transition-subscriber.js';
import { type KnownMachine, World } from '../testkit/world.js';

const LIFE = ['ALLOCATED', 'CREATING', 'READY'];

let world: World;
let known: KnownMachine;

beforeAll(async () => {
  world = await World.start({ replicas: 2, hosts: ['h1'] });
  known = await world.addMachine({ name: 'web-1' });
});
afterAll(async () => {
  await world?.stop();
});

function watch(transport: 'ws' | 'sse', replicas: readonly number[], after: string): TransitionSubscriber {
  const urls = replicas.map((index) => world.replica(index).url);
  return TransitionSubscriber.open({ transport, urls, token: world.acme.viewerToken, after, filter: { subjectTypes: ['VM_SNAPSHOT'] } });
}

/** Begins a quiesced snapshot and holds it in CREATING: the agent has been stopped and does not get to its command. */
async function heldInCreating(replica: number): Promise<string> {
  world.host('h1').agent.pause();
  const begun = await beginSnapshot(world.as(world.acme.operatorToken, replica), known, { quiesce: true });
  await snapshotIn(world.as(world.acme.viewerToken, replica), begun.id, 'CREATING');
  return begun.id;
}

it('VM-20: the API is killed while a snapshot is CREATING and started again: it becomes READY, and subscribers lose nothing and see nothing twice', async () => {
  const after = await cursorOf(world.as(world.acme.viewerToken));
  const watchers = [watch('ws', [0], after), watch('sse', [0], after), watch('ws', [0, 1], after)];
  const id = await heldInCreating(0);
  for (const watcher of watchers) await watcher.until('CREATING', () => watcher.statesOf(id).includes('CREATING'));
  await world.replica(0).kill();
  world.host('h1').agent.resume();
  await world.replica(0).start();

  for (const watcher of watchers) {
    await watcher.until('READY', () => watcher.statesOf(id).includes('READY'));
    expect(watcher.statesOf(id)).toEqual(LIFE);
    expect(watcher.reconnects).toBeGreaterThan(0);
    watcher.close();
  }
  const ended = await expectSettled(world, known, id);
  expect(ended.consistency).toBe('FILESYSTEM');
  await expectHonestContent(world, ended);
});

it('the replica that holds the agent is killed for good: the other one carries on', async () => {
  const after = await cursorOf(world.as(world.acme.viewerToken, 1));
  const watcher = watch('sse', [1], after);
  const id = await heldInCreating(1);
  await world.replica(0).kill();
  world.host('h1').link.moveTo(world.replica(1).port);
  world.host('h1').agent.resume();
  await watcher.until('READY', () => watcher.statesOf(id).includes('READY'));
  expect(watcher.statesOf(id)).toEqual(LIFE);
  expect(watcher.reconnects).toBe(0);
  watcher.close();
  await world.replica(0).start();
  await expectHonestContent(world, await expectSettled(world, known, id));
});

it('FL-paused-replica: a replica that was paused while another took over commands nobody when it wakes', async () => {
  await world.moveAgent('h1', 0);
  await takeSnapshot(world.as(world.acme.operatorToken, 1), known, {});
  const id = await heldInCreating(1);
  world.replica(0).process.pause();
  world.host('h1').link.moveTo(world.replica(1).port);
  world.host('h1').agent.resume();
  await snapshotIn(world.as(world.acme.viewerToken, 1), id, 'READY');
  world.replica(0).process.resume();
  await world.replica(0).isReady();
  await expectHonestContent(world, await expectSettled(world, known, id));
  // Both replicas serve again, and one more snapshot goes through whichever holds the host.
  await takeSnapshot(world.as(world.acme.operatorToken, 0), known, { quiesce: true });
});

it('every command was done once, one operation at a time', async () => {
  const doubled = await world.database.sql('SELECT operation_id, verb FROM command GROUP BY 1, 2 HAVING count(*) > 1');
  expect(doubled).toEqual([]);
  await expectOneOperationAtATime(world);
});
