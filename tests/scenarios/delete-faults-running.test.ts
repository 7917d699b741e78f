/** FL-commit, FL-pull, FL-discard, FL-qemu, FL-libvirtd under a guest that writes: something dies in the middle of a delete. */
import { someOf } from '@coppice/lab';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, it } from 'vitest';
import { isSent, restartAgentFor } from '../testkit/crash-agent.js';
import { agentDiesIn, type Crash, endsWell, expectWhole, plantForDelete } from '../testkit/disturbed-delete.js';
import { machineBecomes } from '../testkit/machine-calls.js';
import { expectOneOperationAtATime } from '../testkit/on-disk.js';
import { operationOf } from '../testkit/operation-calls.js';
import { askToDeleteWhenFree } from '../testkit/tree-calls.js';
import { waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';

let world: World;
let known: KnownMachine;
let guests = 0;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
});
// A guest for each: what rests under the head of one that had merges before would be due in the middle of the next.
beforeEach(async () => {
  await restartAgentFor(world, 'h1', null);
  guests += 1;
  known = await world.addMachine({ name: `on-${guests}` });
});
afterEach(async () => {
  if ((await known.machine.state()) === 'running') await known.machine.cutPower();
});
afterAll(async () => {
  try {
    await waitUntil('the system to have nothing to do', async () => {
      await expectOneOperationAtATime(world);
      return true;
    });
  } finally {
    await world?.stop();
  }
});

function owner() {
  return world.as(world.acme.ownerToken);
}

it.each(
  someOf<Crash>(
    [
      { point: 'merge-layers/before-spoil-note', kind: 'commit' },
      { point: 'merge-layers/copying', kind: 'commit' },
      { point: 'merge-layers/pulled', kind: 'commit' },
      { point: 'merge-layers/copied', kind: 'commit', withApi: true },
      { point: 'merge-layers/before-finished-record', kind: 'commit' },
    ],
    2,
  ),
)('FL-commit: the agent dies at $point of a commit', (crash) => agentDiesIn(world, known, crash));

it.each(
  someOf<Crash>(
    [
      { point: 'merge-layers/before-spoil-note', kind: 'pull', isHead: true },
      { point: 'merge-layers/copying', kind: 'pull', isHead: true },
      { point: 'merge-layers/pulled', kind: 'pull', isHead: true },
      { point: 'merge-layers/copied', kind: 'pull', isHead: true },
      { point: 'merge-layers/before-finished-record', kind: 'pull', isHead: true },
    ],
    2,
  ),
)('FL-pull: the agent dies at $point of a pull', (crash) => agentDiesIn(world, known, crash));

it('FL-discard: the agent dies at discard-layers/after-first-file', () =>
  agentDiesIn(world, known, { point: 'discard-layers/after-first-file', kind: 'commit' }));

it.each([
  { kind: 'commit', isHead: false },
  { kind: 'pull', isHead: true },
] as const)('FL-libvirtd, FL-$kind: libvirtd is killed in a $kind, and started again', async ({ kind, isHead }) => {
  const planted = await plantForDelete(world, known, { kind, isHead });
  const operationId = operationOf(await askToDeleteWhenFree(owner(), known, { snapshotIds: [planted.doomed] }));
  await waitUntil('the merge to be sent', () => isSent(world, operationId, 'merge-layers'), { everyMs: 10 });
  await world.host('h1').killLibvirtd();
  await world.host('h1').startLibvirtd();
  await endsWell(world, operationId);
  await expectWhole(planted);
});

it.each([
  { kind: 'commit', isHead: false },
  { kind: 'pull', isHead: true },
] as const)('FL-qemu, FL-$kind: QEMU is killed in a $kind: what is left is done offline', async ({ kind, isHead }) => {
  const planted = await plantForDelete(world, known, { kind, isHead });
  const operationId = operationOf(await askToDeleteWhenFree(owner(), known, { snapshotIds: [planted.doomed] }));
  await waitUntil('the merge to be sent', () => isSent(world, operationId, 'merge-layers'), { everyMs: 10 });
  process.kill(qemuPid(known), 'SIGKILL');
  // Else the retry is planned for a machine that runs, and fails again.
  await machineBecomes(world.admin, known, (answer) => answer.state === 'STOPPED');
  await endsWell(world, operationId);
  await expectWhole(planted);
});

function qemuPid(known: KnownMachine): number {
  return Number(readFileSync(join(world.host('h1').place.runDir, 'qemu', `${known.machine.name}.pid`), 'utf8'));
}
