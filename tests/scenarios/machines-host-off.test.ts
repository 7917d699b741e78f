/** RV-13: the host goes off between any two steps of a create, a revert or a delete, and the machine is started when it is on again. */
import type { CrashPoint } from '@coppice/agent';
import { someOf } from '@coppice/lab';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environmentFor } from '../testkit/crash-agent.js';
import { fillLive } from '../testkit/disturbed-delete.js';
import { endHypervisor } from '../testkit/ledger.js';
import { machineBecomes, type MachineSeen } from '../testkit/machine-calls.js';
import { expectNoOrphans } from '../testkit/on-disk.js';
import { askFor, doTo, operationEnded, operationOf, type StartedAnswer } from '../testkit/operation-calls.js';
import { disksOf } from '../testkit/outside-probes.js';
import { askForSnapshot, machineIsIdle, type SnapshotAnswer, takeSnapshot } from '../testkit/snapshot-calls.js';
import { askToDelete, askToRevert } from '../testkit/tree-calls.js';
import { treeContent } from '../testkit/tree-content.js';
import { type KnownMachine, World } from '../testkit/world.js';

let world: World;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
});
afterAll(async () => {
  await world?.stop();
});

const owner = () => world.as(world.acme.ownerToken);

type Work = (known: KnownMachine, snapshots: readonly SnapshotAnswer[]) => Promise<StartedAnswer>;

const create: Work = async (known) => {
  const { operation, errors } = await askForSnapshot(owner(), known, { name: 'cut off' });
  return { operation, errors };
};
const revert: Work = (_known, [first]) => askToRevert(owner(), first?.id ?? '', { start: true });
const remove: Work = (known, [first]) => askToDelete(owner(), known, { snapshotIds: [first?.id ?? ''] });

const POINTS: readonly (readonly [CrashPoint, Work])[] = [
  ['create-layers/before-finished-record', create],
  ['freeze-layers/before-transaction', create],
  ['freeze-layers/after-transaction', create],
  ['switch-heads/after-stop', revert],
  ['switch-heads/after-define', revert],
  ['switch-heads/after-restore', revert],
  ['merge-layers/copying', remove],
  ['merge-layers/before-finished-record', remove],
  ['discard-layers/after-first-file', remove],
];

/** Power off and on: QEMU, libvirtd and agent are gone at once, then the last two start. */
async function powerCycle(): Promise<void> {
  const host = world.host('h1');
  await endHypervisor(host.place);
  await host.startLibvirtd();
  host.agent.start();
  await world.waitForHost('h1');
}

/** What the record calls the heads of the machine, and whether a snapshot that can be reverted to holds one of them. */
async function recordedHeads(known: KnownMachine): Promise<Readonly<Record<string, string>>> {
  const rows = await world.database.sql(
    `SELECT v.target, l.file_name AS file, EXISTS (SELECT 1 FROM snapshot_disk d JOIN vm_snapshot s ON s.id = d.snapshot_id
       WHERE d.layer_id = l.id AND s.state = 'READY') AS held
     FROM volume v JOIN layer l ON l.id = v.head_layer_id JOIN virtual_machine m ON m.id = v.virtual_machine_id WHERE m.name = $1`,
    [known.machine.name],
  );
  expect(rows.filter((row) => row['held'] === true)).toEqual([]);
  return Object.fromEntries(rows.map((row): [string, string] => [String(row['target']), String(row['file'])]));
}

/** Goes on with an operation that failed, as its owner would, until it says that it cannot or has succeeded. */
async function goOn(operationId: string): Promise<void> {
  for (let tries = 0; tries < 3; tries += 1) {
    const { state, error } = await operationEnded(owner(), operationId);
    if (state !== 'FAILED' || !error?.retryable) return;
    const retried = await askFor(owner(), 'retryOperation', { operationId });
    if (retried.errors.length > 0) return;
  }
}

const isSettled = ({ operation, drift, state }: MachineSeen) => operation === null && drift === null && state !== 'UNKNOWN';

describe('RV-13: the host goes off', () => {
  it.each(someOf(POINTS, 4))('RV-13: at %s; the machine never starts with an old definition over a frozen layer', async (point, work) => {
    const known = await world.addMachine({ name: point.replace('/', '-') });
    const first = await takeSnapshot(owner(), known, { name: 's1' });
    // What the delete has to merge: enough for a middle.
    await fillLive(known, 8);
    const snapshots = [first, await takeSnapshot(owner(), known, { name: 's2' })];
    const before = await treeContent(world, known);
    const { agent } = world.host('h1');
    await agent.end('SIGTERM');
    await world.waitForHost('h1', 'DISCONNECTED');
    agent.start(environmentFor(point));
    await world.waitForHost('h1');

    const operationId = operationOf(await work(known, snapshots));
    await agent.hasEnded();
    await powerCycle();

    await operationEnded(owner(), operationId);
    await goOn(operationId);
    await machineIsIdle(world.admin, known);
    // A revert with `start` may have started it; what ran before the power went must be known to be off before it is started again.
    const isOff = (await known.machine.state()) === 'shut off';
    const seen = await machineBecomes(owner(), known, (now) => isSettled(now) && (now.state === 'STOPPED') === isOff);
    const defined = await disksOf(known.machine, 'persistent');
    expect(Object.fromEntries(Object.entries(defined).map(([target, path]) => [target, basename(path)]))).toEqual(
      await recordedHeads(known),
    );

    if (seen.state === 'STOPPED') await doTo(owner(), 'startVirtualMachine', { virtualMachineId: known.id });
    await known.machine.writes();
    await machineIsIdle(world.admin, known);
    expect(await disksOf(known.machine, 'live')).toEqual(await disksOf(known.machine, 'persistent'));
    // The guest has written on; every snapshot that is still there reads what it read before the power went.
    const after = await treeContent(world, known);
    for (const [id, content] of after) if (before.has(id)) expect(content).toEqual(before.get(id));
    expect(after.size).toBeGreaterThanOrEqual(1);
    await doTo(owner(), 'destroyVirtualMachine', { virtualMachineId: known.id });
    await expectNoOrphans(world);
  });
});
