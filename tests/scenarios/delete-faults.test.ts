/** FL-commit, FL-pull, FL-discard of a machine that is off: something dies in the middle of a delete, or somebody cancels it. */
import { someOf } from '@coppice/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { diedOrOver, endlessMerges, isSent, restartAgentFor } from '../testkit/crash-agent.js';
import { agentDiesIn, type Crash, endsWell, expectWhole, isOver, plantForDelete } from '../testkit/disturbed-delete.js';
import { expectOneOperationAtATime } from '../testkit/on-disk.js';
import { askFor, findOperation, operationEnded, operationOf } from '../testkit/operation-calls.js';
import { findSnapshot, machineIsIdle } from '../testkit/snapshot-calls.js';
import { askToDeleteWhenFree, deleteSnapshots } from '../testkit/tree-calls.js';
import { expectSame, treeContent } from '../testkit/tree-content.js';
import { waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';

let world: World;
let known: KnownMachine;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
  known = await world.addMachine({ name: 'off', power: 'off' });
});
afterAll(async () => {
  await world?.stop();
});

function owner() {
  return world.as(world.acme.ownerToken);
}

it.each(
  someOf<Crash>(
    [
      { point: 'merge-layers/before-spoil-note', kind: 'commit' },
      { point: 'merge-layers/copying', kind: 'commit', withApi: true },
      { point: 'merge-layers/pulled', kind: 'commit' },
      { point: 'merge-layers/copied', kind: 'commit' },
      { point: 'merge-layers/after-first-repoint', kind: 'commit' },
      { point: 'merge-layers/before-define', kind: 'commit', isHead: true },
      { point: 'merge-layers/before-finished-record', kind: 'commit', withApi: true },
    ],
    4,
  ),
)('FL-commit: the agent dies at $point of a commit', (crash) => agentDiesIn(world, known, crash));

it.each(
  someOf<Crash>(
    [
      { point: 'merge-layers/copying', kind: 'pull' },
      { point: 'merge-layers/pulled', kind: 'pull' },
      { point: 'merge-layers/copied', kind: 'pull', withApi: true },
      { point: 'merge-layers/before-finished-record', kind: 'pull' },
    ],
    2,
  ),
)('FL-pull: the agent dies at $point of a pull', (crash) => agentDiesIn(world, known, crash));

it.each<Crash>([
  { point: 'discard-layers/after-first-file', kind: 'commit' },
  { point: 'discard-layers/before-finished-record', kind: 'pull', withApi: true },
])('FL-discard: the agent dies at $point', (crash) => agentDiesIn(world, known, crash));

it('FL-api: the API alone is killed as the merge is sent: the delete goes on', async () => {
  await restartAgentFor(world, 'h1', null);
  const planted = await plantForDelete(world, known, { kind: 'commit' });
  const operationId = operationOf(await askToDeleteWhenFree(owner(), known, { snapshotIds: [planted.doomed] }));
  await waitUntil('the merge to be sent', () => isSent(world, operationId, 'merge-layers'));
  await world.replica().process.end('SIGKILL');
  await world.replica().start();
  await world.waitForHost('h1');
  await endsWell(world, operationId);
  await expectWhole(planted);
});

it('FL-commit: cancelled in its middle: CANCELLED, the snapshot is out of the tree, and deleting it again succeeds', async () => {
  const planted = await plantForDelete(world, known, { kind: 'commit' });
  await restartAgentFor(world, 'h1', 'merge-layers/copying');
  const operationId = operationOf(await askToDeleteWhenFree(owner(), known, { snapshotIds: [planted.doomed] }));
  expect(await diedOrOver(world, 'h1', () => isOver(world, operationId))).toBe(true);
  expect((await findOperation(owner(), operationId)).cancelEffect).toMatch(/do not come back/);
  expect((await askFor(owner(), 'cancelOperation', { operationId })).errors).toEqual([]);
  // It goes on where it was, slowly enough for the cancel to reach it there.
  world.host('h1').agent.start(endlessMerges());
  await world.waitForHost('h1');
  expect((await operationEnded(owner(), operationId)).state).toBe('CANCELLED');
  // What is merged from here on has to end.
  await restartAgentFor(world, 'h1', null);
  expectSame(planted.before, await treeContent(world, known), [planted.doomed]);
  expect((await findSnapshot(owner(), planted.doomed))?.state).toBe('ERROR');
  await machineIsIdle(owner(), known);
  await deleteSnapshots(owner(), known, { snapshotIds: [planted.doomed] });
  await expectWhole(planted);
});

it('FL-commit: cancelled before its first command goes out: the snapshot is READY again', async () => {
  const planted = await plantForDelete(world, known, { kind: 'commit' });
  const { agent } = world.host('h1');
  await agent.end('SIGTERM');
  const answer = await askToDeleteWhenFree(owner(), known, { snapshotIds: [planted.doomed] });
  if (answer.operation === null) {
    // The host's going was known before.
    expect(answer.errors.map(({ code }) => code)).toEqual(['HOST_UNAVAILABLE']);
  } else {
    const operationId = answer.operation.id;
    const asked = await askFor(owner(), 'cancelOperation', { operationId });
    expect(asked.errors).toEqual([]);
    agent.start();
    await world.waitForHost('h1');
    expect((await operationEnded(owner(), operationId)).state).toBe('CANCELLED');
  }
  if (!agent.isRunning()) agent.start();
  await world.waitForHost('h1');
  await machineIsIdle(owner(), known);
  if ((await findSnapshot(owner(), planted.doomed))?.state === 'READY') expectSame(planted.before, await treeContent(world, known), []);
  await deleteSnapshots(owner(), known, { snapshotIds: [planted.doomed] });
  await expectWhole(planted);
});

it('and after all of it nothing is left running or claimed', async () => {
  await waitUntil('the system to have nothing to do', async () => {
    const rows = await world.database.sql(`SELECT 1 FROM operation WHERE state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')`);
    return rows.length === 0;
  });
  await expectOneOperationAtATime(world);
});
