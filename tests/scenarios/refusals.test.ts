/** What is refused, why, and that a refusal or a failure leaves everything as it was. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endGuestAgent, hangGuestAgent } from '../testkit/guest-faults.js';
import { machineBecomes } from '../testkit/machine-calls.js';
import { expectChains, expectNoOrphans, expectOneOperationAtATime } from '../testkit/on-disk.js';
import { disksOf, layerFilesOf } from '../testkit/outside-probes.js';
import {
  askForSnapshot,
  beginSnapshot,
  type CreateAnswer,
  machineIsIdle,
  snapshotIn,
  takeSnapshot,
  treeOf,
} from '../testkit/snapshot-calls.js';
import { waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';

let world: World;

beforeAll(async () => {
  world = await World.start();
});
afterAll(async () => {
  await world?.stop();
});

function ask(known: KnownMachine, request: Parameters<typeof askForSnapshot>[2]): Promise<CreateAnswer> {
  return askForSnapshot(world.as(world.acme.operatorToken), known, request);
}

function codesOf(answer: CreateAnswer): string[] {
  expect(answer.snapshot === null).toBe(answer.errors.length > 0);
  return answer.errors.map((error) => error.code);
}

/** Refused at once, or accepted and ended in ERROR: both say the code, and neither may change anything on disk. */
async function refusalOf(known: KnownMachine, request: Parameters<typeof askForSnapshot>[2]): Promise<string | undefined> {
  const answer = await ask(known, request);
  if (answer.snapshot === null) return codesOf(answer)[0];
  const { id } = answer.snapshot;
  const failed = await waitUntil('the snapshot to fail', async () => {
    const tree = await machineIsIdle(world.admin, known);
    return tree.snapshotTree.nodes.find((node) => node.id === id);
  });
  expect(failed.state).toBe('ERROR');
  expect(failed.error?.message).not.toBe('');
  return failed.error?.code;
}

async function expectNothingChanged(known: KnownMachine): Promise<void> {
  await expectChains(world, known, { vda: 1, vdb: 1 });
  await expectNoOrphans(world);
  expect((await treeOf(world.admin, known)).snapshotTree.current).toBeNull();
}

describe('GA-3: quiesce where the guest agent cannot help', () => {
  it('with a hung agent: GUEST_AGENT_UNAVAILABLE, the guest not frozen, nothing changed', async () => {
    const known = await world.addMachine({ name: 'hung' });
    await hangGuestAgent(known.machine);
    expect(await refusalOf(known, { quiesce: true })).toBe('GUEST_AGENT_UNAVAILABLE');
    await known.machine.writes();
    await expectNothingChanged(known);
    // Without quiesce the agent is not needed.
    expect((await takeSnapshot(world.as(world.acme.operatorToken), known, {})).consistency).toBe('CRASH');
  });

  it('without an agent: the same', async () => {
    const known = await world.addMachine({ name: 'agentless', host: 'h2' });
    await endGuestAgent(known.machine);
    await machineBecomes(world.admin, known, (answer) => answer.guestAgent !== 'CONNECTED');
    expect(await refusalOf(known, { quiesce: true })).toBe('GUEST_AGENT_UNAVAILABLE');
    await known.machine.writes();
    await expectNothingChanged(known);
  });

  it('of a paused guest: the same, and it stays paused', async () => {
    const known = await world.addMachine({ name: 'paused' });
    await known.machine.virsh('suspend', known.machine.name);
    await machineBecomes(world.admin, known, (answer) => answer.state === 'PAUSED');
    expect(await refusalOf(known, { quiesce: true })).toBe('GUEST_AGENT_UNAVAILABLE');
    expect(await known.machine.state()).toBe('paused');
    await expectNothingChanged(known);
    await known.machine.virsh('resume', known.machine.name);
    await known.machine.writes();
  });
});

it('GA-6: the record is there before the host starts, and what fails on the host is ERROR with a reason and leaves no file', async () => {
  const known = await world.addMachine({ name: 'in-the-way' });
  const [first, second] = known.machine.guest.disks;
  // The second disk's overlay cannot be made; that of the first must go again.
  const foreign = join(world.poolDir, `volume-${second?.volumeUuid ?? ''}.1.qcow2`);
  await writeFile(foreign, 'of somebody else');
  world.host('h1').agent.pause();
  const { id } = await beginSnapshot(world.as(world.acme.operatorToken), known, { quiesce: true });
  expect((await snapshotIn(world.admin, id, 'CREATING')).disks).toHaveLength(2);
  world.host('h1').agent.resume();

  const failed = (await machineIsIdle(world.admin, known)).snapshotTree.nodes.find((node) => node.id === id);
  expect(failed).toMatchObject({ state: 'ERROR', error: { code: 'IO_ERROR' }, isCurrent: false });
  expect(await readFile(foreign, 'utf8')).toBe('of somebody else');
  expect(await layerFilesOf(world.poolDir, first?.volumeUuid ?? '')).toHaveLength(1);
  await rm(foreign);
  await expectNothingChanged(known);
  await known.machine.writes();
  expect((await takeSnapshot(world.as(world.acme.operatorToken), known, { quiesce: true })).parent).toBeNull();
});

describe('what others did to the machine', () => {
  let byVirsh: KnownMachine;
  let inside: KnownMachine;
  let byHand: KnownMachine;

  // libvirt tells nobody of snapshots: the agent sees them at its next look at everything. All three are made first, and waited for once.
  beforeAll(async () => {
    byVirsh = await world.addMachine({ name: 'drifted' });
    inside = await world.addMachine({ name: 'internal', power: 'off' });
    byHand = await world.addMachine({ name: 'no-metadata' });
    await byVirsh.machine.virsh('snapshot-create-as', 'drifted', 'by-hand', '--disk-only', '--atomic');
    await inside.machine.virsh('snapshot-create-as', 'internal', 'inside');
    await byHand.machine.virsh('snapshot-create-as', 'no-metadata', 'x', '--disk-only', '--atomic', '--no-metadata');
  });

  it('VM-22: a snapshot made with virsh is shown as drift and refused with MACHINE_DRIFTED; nothing of it is lost', async () => {
    const drift = await driftOf(byVirsh);
    expect(drift.findings.length).toBeGreaterThan(0);
    expect(drift.findings.every((finding) => finding.message !== '' && finding.path === null)).toBe(true);
    expect(codesOf(await ask(byVirsh, { quiesce: true }))).toEqual(['MACHINE_DRIFTED']);
    expect(await byVirsh.machine.virsh('snapshot-list', 'drifted', '--name')).toContain('by-hand');
    await byVirsh.machine.writes();
  });

  it('RV-9: an internal snapshot on the machine: MIXED_SNAPSHOT_KINDS', async () => {
    await driftOf(inside);
    expect(codesOf(await ask(inside, {}))).toEqual(['MIXED_SNAPSHOT_KINDS']);
  });

  it('a foreign overlay that was put in by hand is drift as well', async () => {
    await driftOf(byHand);
    expect(codesOf(await ask(byHand, {}))).toEqual(['MACHINE_DRIFTED']);
    await byHand.machine.writes();
  });

  it('and where the agent has not looked yet, the host finds it when it is asked to work, and changes nothing', async () => {
    const known = await world.addMachine({ name: 'just-now' });
    await known.machine.virsh('snapshot-create-as', 'just-now', 'x', '--disk-only', '--atomic', '--no-metadata');
    const heads = await disksOf(known.machine, 'live');
    expect(await refusalOf(known, { quiesce: true })).toBe('MACHINE_DRIFTED');
    expect(await disksOf(known.machine, 'live')).toEqual(heads);
    await known.machine.writes();
  });

  async function driftOf(known: KnownMachine): Promise<{ findings: { code: string; message: string; path: string | null }[] }> {
    const document = 'query Drift($id: ID!) { virtualMachine(id: $id) { drift { findings { code message path repairable } } } }';
    return waitUntil('the drift to be shown', async () => {
      const answer = await world
        .as(world.acme.viewerToken)
        .ask<{ virtualMachine: { drift: { findings: { code: string; message: string; path: string | null }[] } | null } }>(document, {
          id: known.id,
        });
      return answer.virtualMachine.drift ?? undefined;
    });
  }
});

describe('what was asked', () => {
  let known: KnownMachine;
  beforeAll(async () => {
    known = await world.addMachine({ name: 'asked', power: 'off' });
  });

  it('a name twice on one machine: NAME_TAKEN', async () => {
    await takeSnapshot(world.as(world.acme.operatorToken), known, { name: 'nightly' });
    expect(codesOf(await ask(known, { name: 'nightly' }))).toEqual(['NAME_TAKEN']);
  });

  it.each([[''], [' '.repeat(3)], ['x'.repeat(2000)], ['null\u0000byte']])('a name that is none: INVALID_INPUT (%#)', async (name) => {
    expect(codesOf(await ask(known, { name }))).toEqual(['INVALID_INPUT']);
  });

  it('EX-6: a name with slashes and dots is a name and no path', async () => {
    const snapshot = await takeSnapshot(world.as(world.acme.operatorToken), known, { name: '../../etc/passwd; $(reboot) ☃' });
    expect(snapshot.name).toBe('../../etc/passwd; $(reboot) ☃');
    const layers = (await snapshotIn(world.admin, snapshot.id, 'READY')).disks.map((disk) => disk.layerPath);
    expect(layers.every((path) => /^volume-[0-9a-f-]{36}\.\d+\.qcow2$/.test(path ?? ''))).toBe(true);
  });

  it('volumes of another machine, or none: INVALID_INPUT or NOT_FOUND', async () => {
    const other = await world.addMachine({ name: 'other', power: 'off' });
    const [code] = codesOf(await ask(known, { volumeIds: Object.values(other.volumes) }));
    expect(['INVALID_INPUT', 'NOT_FOUND']).toContain(code);
    expect(codesOf(await ask(known, { volumeIds: [] }))).toEqual(['INVALID_INPUT']);
  });

  it('the same idempotency key again: the same operation; with another body: IDEMPOTENCY_CONFLICT', async () => {
    const first = await ask(known, { name: 'once', idempotencyKey: 'key-1' });
    const again = await ask(known, { name: 'once', idempotencyKey: 'key-1' });
    expect(first.operation?.id).toBeDefined();
    expect(again.operation?.id).toBe(first.operation?.id);
    expect(again.snapshot?.id).toBe(first.snapshot?.id);
    expect(codesOf(await ask(known, { name: 'twice', idempotencyKey: 'key-1' }))).toEqual(['IDEMPOTENCY_CONFLICT']);
    await machineIsIdle(world.admin, known);
    expect((await treeOf(world.admin, known)).snapshotTree.nodes.filter((node) => node.name === 'once')).toHaveLength(1);
  });

  it('a host that is away: HOST_UNAVAILABLE, or it waits and is done when the host is back', async () => {
    const away = await world.addMachine({ name: 'away', host: 'h2', power: 'off' });
    await world.host('h2').agent.end('SIGKILL');
    await world.waitForHost('h2', 'DISCONNECTED');
    const answer = await ask(away, {});
    world.host('h2').agent.start();
    await world.waitForHost('h2');
    if (answer.snapshot === null) expect(codesOf(answer)).toEqual(['HOST_UNAVAILABLE']);
    else await snapshotIn(world.admin, answer.snapshot.id, 'READY');
  });

  it('and after all of it nothing is left running or claimed', async () => {
    await waitUntil('all operations to end', async () => (await world.database.sql('SELECT 1 FROM claim')).length === 0);
    await expectOneOperationAtATime(world);
  });
});
