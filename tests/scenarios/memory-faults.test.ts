/** FL-memory: agent, libvirtd or QEMU dies at each step of a snapshot with memory. READY or ERROR, nothing half stays, what was READY reads the same. */
import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CrashPoint } from '@coppice/agent';
import { someOf } from '@coppice/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { restartAgentFor } from '../testkit/crash-agent.js';
import { restartIfLibvirtLags } from '../testkit/libvirt-lag.js';
import { machineBecomes } from '../testkit/machine-calls.js';
import { expectOneOperationAtATime } from '../testkit/on-disk.js';
import { succeeded } from '../testkit/operation-calls.js';
import { expectSettled } from '../testkit/settled.js';
import { beginSnapshot, type SnapshotAnswer, takeSnapshot } from '../testkit/snapshot-calls.js';
import { askToRevert } from '../testkit/tree-calls.js';
import { treeContent } from '../testkit/tree-content.js';
import { waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';

const POINTS: readonly CrashPoint[] = [
  'create-layers/before-first-file',
  'create-layers/after-first-file',
  'create-layers/before-finished-record',
  'freeze-layers/before-transaction',
  'freeze-layers/after-transaction',
  'freeze-layers/before-finished-record',
];

let world: World;
let known: KnownMachine;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
  known = await world.addMachine({ name: 'web-1' });
  await takeSnapshot(owner(), known, { kind: 'DISK_AND_MEMORY' });
});
afterAll(async () => {
  await world?.stop();
});

function owner() {
  return world.as(world.acme.ownerToken);
}

const begin = (): Promise<SnapshotAnswer> => beginSnapshot(owner(), known, { kind: 'DISK_AND_MEMORY' });

/** Begins a snapshot, and waits until bytes of some memory are there that were not there before. */
async function beginSaving(): Promise<SnapshotAnswer> {
  const before = new Set(await memoriesOnDisk());
  const snapshot = await begin();
  const isNew = async () => (await memoriesOnDisk()).some((name) => !before.has(name));
  await waitUntil('the file of the memory', isNew, { everyMs: 5 });
  return snapshot;
}

async function memoriesOnDisk(): Promise<string[]> {
  return (await readdir(world.poolDir)).filter((name) => name.endsWith('.mem')).sort();
}

async function readyMemories(): Promise<string[]> {
  const rows = await world.database.sql(`SELECT id FROM vm_snapshot WHERE state = 'READY' AND kind = 'DISK_AND_MEMORY'`);
  return rows.map((row) => `snapshot-${String(row['id'])}.mem`).sort();
}

/** What must be so whatever happened; `before`: what the snapshots of then read. */
async function endsWhole(before: ReadonlyMap<string, unknown>, id: string): Promise<void> {
  const ended = await expectSettled(world, known, id);
  expect(['READY', 'ERROR']).toContain(ended.state);
  if (ended.state === 'READY') expect(ended.consistency).toBe('MEMORY');
  const after = await treeContent(world, known);
  for (const [one, content] of before) if (one !== 'head') expect(after.get(one), `what snapshot ${one} reads`).toEqual(content);
  expect(await memoriesOnDisk()).toEqual(await readyMemories());
}

it.each(someOf(POINTS, 3))('FL-memory: the agent dies at %s', async (point) => {
  const before = await treeContent(world, known);
  await restartAgentFor(world, 'h1', point);
  const { id } = await begin();
  await world.host('h1').agent.hasEnded();
  await known.machine.writes();
  world.host('h1').agent.start();
  await endsWhole(before, id);
});

it('FL-memory: the agent is killed while the memory is being saved', async () => {
  const before = await treeContent(world, known);
  await restartAgentFor(world, 'h1', null);
  const { id } = await beginSaving();
  await world.host('h1').agent.end('SIGKILL');
  world.host('h1').agent.start();
  await endsWhole(before, id);
});

it('FL-memory, FL-libvirtd: libvirtd is killed while the memory is being saved', async () => {
  const before = await treeContent(world, known);
  const { id } = await beginSaving();
  await world.host('h1').killLibvirtd();
  await world.host('h1').startLibvirtd();
  await restartIfLibvirtLags(world, known);
  await endsWhole(before, id);
});

it('FL-memory, FL-qemu: QEMU is killed while the memory is being saved', async () => {
  const before = await treeContent(world, known);
  const { id } = await beginSaving();
  process.kill(Number(readFileSync(pidFile(), 'utf8')), 'SIGKILL');
  await machineBecomes(world.admin, known, ({ state }) => state === 'STOPPED');
  await restartIfLibvirtLags(world, known);
  await endsWhole(before, id);
  if (!existsSync(pidFile())) await known.machine.start();
});

it('FL-memory: the first of them is reverted to, and its guest goes on', async () => {
  await world.waitForHost('h1');
  const [first] = (await treeContent(world, known)).keys();
  await succeeded(owner(), await askToRevert(owner(), first ?? ''));
  expect(await known.machine.state()).toBe('running');
  await known.machine.writes();
  await expectOneOperationAtATime(world);
});

function pidFile(): string {
  return join(world.host('h1').place.runDir, 'qemu', `${known.machine.name}.pid`);
}
