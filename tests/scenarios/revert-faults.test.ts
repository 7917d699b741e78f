/** FL-revert: the agent dies at each step of a revert of a running guest. It ends on the new heads, nothing else has changed, and nothing is left over. */
import { CRASH_POINTS, type CrashPoint } from '@coppice/agent';
import { someOf } from '@coppice/lab';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { restartAgentFor } from '../testkit/crash-agent.js';
import { endsWell, fillLive } from '../testkit/disturbed-delete.js';
import { expectNoOrphans, expectOneOperationAtATime } from '../testkit/on-disk.js';
import { operationOf } from '../testkit/operation-calls.js';
import { disksOf } from '../testkit/outside-probes.js';
import { machineIsIdle, takeSnapshot } from '../testkit/snapshot-calls.js';
import { askToRevert } from '../testkit/tree-calls.js';
import { expectSame, treeContent } from '../testkit/tree-content.js';
import { waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';

const isOfRevert = (point: string): point is CrashPoint => point.startsWith('switch-heads/');
const POINTS: readonly CrashPoint[] = [
  'create-layers/after-first-file',
  ...Object.keys(CRASH_POINTS).filter(isOfRevert),
  'discard-layers/after-first-file',
  'discard-layers/before-finished-record',
];
const CASES = POINTS.flatMap((point) => (['DISK', 'DISK_AND_MEMORY'] as const).map((kind) => ({ point, kind })));

let world: World;
let known: KnownMachine;
let guests = 0;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
});
afterEach(async () => {
  await known.machine.cutPower();
});
afterAll(async () => {
  await world?.stop();
});

const owner = () => world.as(world.acme.ownerToken);

it.each(someOf(CASES, 4))('FL-revert: the agent dies at $point of a revert to a snapshot of kind $kind', async ({ point, kind }) => {
  await restartAgentFor(world, 'h1', null);
  guests += 1;
  known = await world.addMachine({ name: `on-${guests}` });
  const { id } = await takeSnapshot(owner(), known, { kind });
  await fillLive(known, 1);
  await takeSnapshot(owner(), known, {});
  const before = await treeContent(world, known);

  await restartAgentFor(world, 'h1', point);
  const operationId = operationOf(await askToRevert(owner(), id, { start: true }));
  await world.host('h1').agent.hasEnded();
  world.host('h1').agent.start();
  await world.waitForHost('h1');
  await endsWell(world, operationId);

  const { snapshotTree } = await machineIsIdle(owner(), known);
  expect(snapshotTree.current?.id).toBe(id);
  expect(await known.machine.state()).toBe('running');
  await known.machine.writes();
  expect(await disksOf(known.machine, 'live')).toEqual(await disksOf(known.machine, 'persistent'));
  expectSame(before, await treeContent(world, known), []);
  await waitUntil('no file to be left over', async () => {
    await expectNoOrphans(world);
    return true;
  });
  await expectOneOperationAtATime(world);
});
