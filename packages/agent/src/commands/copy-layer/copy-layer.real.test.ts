/** Copies of layers at rest: they show byte for byte what the layer shows, and nothing else has changed; refused, cancelled, killed, no room. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '@coppice/lab';
import type { CommandBody, CommandIssued } from '@coppice/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CrashPoint } from '../../crash-points.js';
import { answerAfterCrash } from '../../testing/answer-after-crash.js';
import { HostWorld } from '../../testing/host-world.js';
import { TestLayers } from '../../testing/test-layers.js';
import { resultOf, type TestMachine } from '../../testing/test-machine.js';
import { until } from '../../testing/until.js';

type CopyBody = Extract<CommandBody, { verb: 'copy-layer' }>;

const DEADLINE = { deadlineMs: 60_000 };
const MIB = 1024 * 1024;

let world: HostWorld;
let machine: TestMachine;

beforeAll(async () => {
  ({ world, machine } = await HostWorld.withMachine({ smallPoolBytes: 16 * MIB }));
});
afterAll(() => world.close());

async function madeLayers(): Promise<TestLayers> {
  const layers = new TestLayers(world);
  await layers.makeChain(3);
  return layers;
}

function copyOf(layers: TestLayers, layer: number, changes: Partial<CopyBody> = {}): CopyBody {
  const chain = layers.chainOf(layer).map((link) => layers.link(link));
  const to = { pool: 'pool', fileName: `snapshot-${randomUUID()}.qcow2` };
  const { volumeId } = layers;
  return { verb: 'copy-layer', machineUuid: machine.uuid, volumeId, target: null, chain, to, bytesPerSecond: null, ...changes };
}

function pathOf({ to }: CopyBody): string {
  return join(to.pool === 'small' ? world.smallPoolDir : world.poolDir, to.fileName);
}

/** The copy stands alone, is whole, shows what the layer shows, and has the checksum that was told. */
async function requireCopy(layers: TestLayers, layer: number, { body, sha256 }: { body: CopyBody; sha256: string }): Promise<void> {
  const copy = pathOf(body);
  const format = body.chain[0]?.format ?? 'qcow2';
  // Throws unless every byte is the same.
  await runProgram('qemu-img', ['compare', '-U', '-f', format, '-F', 'qcow2', layers.path(layer), copy], DEADLINE);
  await runProgram('qemu-img', ['check', '-q', '-f', 'qcow2', copy], DEADLINE);
  const { stdout } = await runProgram('qemu-img', ['info', '-f', 'qcow2', '--output=json', copy], DEADLINE);
  expect(stdout).not.toContain('backing-filename');
  expect((await runProgram('sha256sum', [copy], DEADLINE)).stdout.split(' ')[0]).toBe(sha256);
  await layers.requireView(layer, true);
}

async function copyAndRequire(layers: TestLayers, layer: number, body: CopyBody): Promise<void> {
  await requireCopy(layers, layer, { body, sha256: resultOf(await world.api.run(body), 'copy-layer').sha256 });
}

async function copying(command: CommandIssued): Promise<void> {
  await until('bytes of a copy', () =>
    world.api.all('command.progressed').some(({ commandId, bytesDone }) => commandId === command.id && (bytesDone ?? 0) > 0),
  );
}

it('a frozen layer inside a chain is copied as it shows itself, holes and zeros included', async () => {
  const layers = await madeLayers();
  for (const layer of [2, 1, 0]) {
    const body = copyOf(layers, layer);
    const result = resultOf(await world.api.run(body), 'copy-layer');
    await requireCopy(layers, layer, { body, sha256: result.sha256 });
    expect(result).toMatchObject({ virtualBytes: 32 * MIB });
    expect(result.allocatedBytes).toBeLessThan(result.bytesMoved + MIB);
  }
});

it('a raw root, and a layer that is larger than the one below', async () => {
  const layers = new TestLayers(world);
  await layers.makeRaw(0, [{ block: 4, count: 8, byte: 1 }]);
  await layers.make(1, 0, [{ block: 8, count: 2, byte: 0 }]);
  await layers.resize(1, 640);
  await layers.write(1, [{ block: 630, count: 2, byte: 5 }]);
  for (const layer of [0, 1]) {
    const body = copyOf(layers, layer);
    await copyAndRequire(layers, layer, body);
  }
});

it('below a running machine a frozen layer is copied; what it writes is refused, as its head and as a layer', async () => {
  const layers = await madeLayers();
  await layers.make(3, 2, []);
  await layers.attach(machine, 3);
  await world.virsh('start', '--paused', 'g1');
  const body = copyOf(layers, 2);
  const result = resultOf(await world.api.run(body), 'copy-layer');
  const asHead = copyOf(layers, 3, { target: 'vda' });
  expect(await world.api.run(asHead)).toMatchObject({ kind: 'failed', left: 'NOTHING', failure: { code: 'MACHINE_STATE' } });
  const asLayer = copyOf(layers, 3);
  expect(await world.api.run(asLayer)).toMatchObject({ kind: 'failed', left: 'NOTHING', failure: { code: 'MACHINE_DRIFTED' } });
  for (const refused of [asHead, asLayer]) expect(existsSync(pathOf(refused))).toBe(false);
  await world.virsh('destroy', 'g1');
  await requireCopy(layers, 2, { body, sha256: result.sha256 });
  const ofStopped = copyOf(layers, 3, { target: 'vda' });
  await copyAndRequire(layers, 3, ofStopped);
});

it('another chain than the recorded one is refused, and so is a name that somebody has', async () => {
  const layers = await madeLayers();
  const body = copyOf(layers, 2);
  const wrong = { ...body, chain: body.chain.slice(0, 2) };
  expect(await world.api.run(wrong)).toMatchObject({ kind: 'failed', failure: { code: 'MACHINE_DRIFTED' } });
  await writeFile(pathOf(body), 'of somebody');
  expect(await world.api.run(body)).toMatchObject({ kind: 'failed', failure: { code: 'IO_ERROR' } });
  expect((await runProgram('cat', [pathOf(body)], DEADLINE)).stdout).toBe('of somebody');
});

it('a pool without room is INSUFFICIENT_SPACE, before and in the middle, with nothing left', async () => {
  const layers = new TestLayers(world);
  // Of 16 MiB that the pool has: whatever is left of it beside a filler that came late is too little.
  await layers.make(0, null, [{ block: 0, count: 192, byte: 7 }]);
  const to = () => ({ pool: 'small', fileName: `snapshot-${randomUUID()}.qcow2` });
  await world.leaveRoom(4 * MIB);
  const none = copyOf(layers, 0, { to: to() });
  expect(await world.api.run(none)).toMatchObject({ kind: 'failed', left: 'NOTHING', failure: { code: 'INSUFFICIENT_SPACE' } });
  await world.leaveRoom(null);
  const full = copyOf(layers, 0, { to: to(), bytesPerSecond: MIB });
  const command = world.api.issue(full);
  await copying(command);
  await world.leaveRoom(0);
  expect((await world.api.finished(command)).outcome).toMatchObject({
    kind: 'failed',
    failure: { code: 'INSUFFICIENT_SPACE', retryable: true },
  });
  await world.leaveRoom(null);
  for (const body of [none, full]) expect(existsSync(pathOf(body))).toBe(false);
  const again = copyOf(layers, 0, { to: to() });
  await copyAndRequire(layers, 0, again);
});

it('cancelled in the middle it leaves nothing', async () => {
  const layers = await madeLayers();
  const body = copyOf(layers, 2, { bytesPerSecond: 2 * MIB });
  const command = world.api.issue(body);
  await copying(command);
  world.api.send({ type: 'command.cancel-requested', commandId: command.id });
  expect((await world.api.finished(command)).outcome).toEqual({ kind: 'cancelled', left: 'NOTHING' });
  expect(existsSync(pathOf(body))).toBe(false);
  await layers.requireView(2);
});

it.each([
  'copy-layer/before-file',
  'copy-layer/copying',
  'copy-layer/copied',
  'copy-layer/before-finished-record',
] as const satisfies readonly CrashPoint[])('the agent dies at %s: the next one has it whole', async (point) => {
  const layers = await madeLayers();
  const body = copyOf(layers, 2, { bytesPerSecond: point.endsWith('copying') ? 2 * MIB : null });
  const outcome = await answerAfterCrash(world, body, { point });
  await requireCopy(layers, 2, { body, sha256: resultOf(outcome, 'copy-layer').sha256 });
});
