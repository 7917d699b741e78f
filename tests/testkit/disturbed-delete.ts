/**
 * Deletes that are disturbed in their middle, one case after the other on one machine: each plants two snapshots, lets one of them go while something dies, and
 * asserts what must be so whatever happened.
 */
import type { CrashPoint } from '@coppice/agent';
import { guestExec } from '@coppice/lab';
import { expect } from 'vitest';
import { writePatterns } from './content.js';
import { diedOrOver, restartAgentFor } from './crash-agent.js';
import { expectNoOrphans } from './on-disk.js';
import { askFor, findOperation, type OperationAnswer, operationEnded, operationOf } from './operation-calls.js';
import { disksOf, headOf } from './outside-probes.js';
import { findSnapshot, machineIsIdle, takeSnapshot } from './snapshot-calls.js';
import { askToDeleteWhenFree, deleteSnapshots } from './tree-calls.js';
import { becomesSmallest, expectSame, type TreeContent, treeContent } from './tree-content.js';
import { Hopeless, waitUntil } from './wait-until.js';
import type { KnownMachine, World } from './world.js';

const MIB = 1024 * 1024;

/** commit: small above big. pull: big above small. */
type Kind = 'commit' | 'pull';

/** A machine with two snapshots of its first disk. */
export interface Planted {
  readonly world: World;
  readonly known: KnownMachine;
  /** What is deleted; one snapshot stays. */
  readonly doomed: string;
  readonly before: TreeContent;
}

/** Which layers are to be merged. `isHead`: what the machine writes is one of them. */
export interface Planting {
  readonly kind: Kind;
  readonly isHead?: boolean;
}

/** Two snapshots of the first disk, of which deleting one lets layers be merged in that direction. */
export async function plantForDelete(world: World, known: KnownMachine, { kind, isHead = false }: Planting): Promise<Planted> {
  const [lower, upper] = kind === 'commit' ? [24, 6] : [6, 24];
  const isRunning = (await known.machine.state()) === 'running';
  const put = (mib: number, byte: number) => (isRunning ? fillLive(known, mib) : fill(known, mib, byte));
  const take = async () => {
    const { id } = await takeSnapshot(ownerOf(world), known, { volumeIds: [known.volumes['vda'] ?? ''] });
    return id;
  };
  if (isHead) await take();
  await put(lower, 11);
  const doomed = await take();
  await put(upper, 22);
  if (!isHead) {
    await take();
    await put(1, 33);
  }
  await machineIsIdle(ownerOf(world), known);
  return { world, known, doomed, before: await treeContent(world, known) };
}

/** Apart from each other: what lies together a storage daemon copies in one go, and a merge of it has no middle. */
async function fill(known: KnownMachine, mib: number, byte: number): Promise<void> {
  const pieces = Array.from({ length: mib }, (_, index) => ({ offset: (((byte % 20) + 2 * index) % 60) * MIB, length: MIB, byte }));
  await writePatterns(await headOf(known.machine, 'vda'), pieces);
}

/** Writes that many MiB in the guest, into a file of its own for each size: what is written over is not copied. */
export async function fillLive(known: KnownMachine, mib: number): Promise<void> {
  const script = `rm -f /a/f${mib}; dd if=/dev/urandom of=/a/f${mib} bs=65536 count=${mib * 16} 2>/dev/null && sync`;
  const { exitCode, stderr } = await guestExec(known.machine, ['sh', '-c', script], 120_000);
  if (exitCode !== 0) throw new Error(`the guest could not write: ${stderr}`);
}

/** Waits for the end; an end that is none is FAILED and can be retried, and then succeeds, perhaps at the second try. */
export async function endsWell(world: World, operationId: string): Promise<OperationAnswer> {
  let ended = await operationEnded(ownerOf(world), operationId);
  for (let tries = 0; tries < 3 && ended.state !== 'SUCCEEDED'; tries += 1) {
    expect(ended).toMatchObject({ state: 'FAILED', error: { retryable: true } });
    expect(ended.error?.message).toMatch(/\.$/);
    await waitUntil('the retry to be accepted', async () => {
      const { errors } = await askFor(ownerOf(world), 'retryOperation', { operationId });
      if (
        errors.length > 0 &&
        !errors.some(({ code }) => code === 'MACHINE_BUSY' || code === 'HOST_UNAVAILABLE' || code === 'MACHINE_DRIFTED')
      )
        throw new Hopeless(`the retry was refused: ${JSON.stringify(errors)}`);
      return errors.length === 0;
    });
    ended = await operationEnded(ownerOf(world), operationId);
  }
  expect(ended).toMatchObject({ state: 'SUCCEEDED', error: null });
  return ended;
}

/** What must be so whatever happened. Of a machine that is off all is deleted then, so that the next case begins with an empty tree. */
export async function expectWhole({ world, known, doomed, before }: Planted): Promise<void> {
  await machineIsIdle(ownerOf(world), known);
  expectSame(before, await treeContent(world, known), [doomed]);
  expect((await findSnapshot(ownerOf(world), doomed))?.state).toBe('REMOVED');
  const isRunning = (await known.machine.state()) === 'running';
  if (isRunning) {
    await known.machine.writes();
    expect(await disksOf(known.machine, 'live')).toEqual(await disksOf(known.machine, 'persistent'));
  } else await becomesSmallest(world, known);
  await waitUntil('no file to be left over', async () => {
    await expectNoOrphans(world);
    return true;
  });
  if (isRunning) return;
  const kept = [...before.keys()].filter((id) => id !== doomed && id !== 'head');
  await deleteSnapshots(ownerOf(world), known, { snapshotIds: kept });
}

/** Whether an operation has ended. */
export async function isOver(world: World, operationId: string): Promise<boolean> {
  return ['SUCCEEDED', 'FAILED', 'CANCELLED'].includes((await findOperation(ownerOf(world), operationId)).state);
}

/** Where the agent dies, perhaps with the API. */
export interface Crash extends Planting {
  readonly point: CrashPoint;
  readonly withApi?: boolean;
}

/** Begins a delete, lets the agent die in it, and asserts that all ends well after its start. */
export async function agentDiesIn(world: World, known: KnownMachine, { point, withApi = false, ...planting }: Crash): Promise<void> {
  const planted = await plantForDelete(world, known, planting);
  await restartAgentFor(world, 'h1', point);
  const operationId = operationOf(await askToDeleteWhenFree(ownerOf(world), known, { snapshotIds: [planted.doomed] }));
  const died = await diedOrOver(world, 'h1', () => isOver(world, operationId));
  expect(died).toBe(true);
  if (withApi) {
    await world.replica().process.end('SIGKILL');
    await world.replica().start();
  }
  // A running QEMU goes on with the copy meanwhile, and lets nobody read the layer that it writes.
  const isStill = point !== 'merge-layers/copying' || (await known.machine.state()) !== 'running';
  if (isStill) expectSame(planted.before, await treeContent(world, known), [planted.doomed]);
  world.host('h1').agent.start();
  await world.waitForHost('h1');
  await endsWell(world, operationId);
  await expectWhole(planted);
}

function ownerOf(world: World) {
  return world.as(world.acme.ownerToken);
}
