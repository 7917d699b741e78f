/** A machine that is like another, on a real libvirt: made once whatever dies, beside its original, and never in the place of one that is there. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { CommandBody } from '@coppice/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CrashPoint } from '../../crash-points.js';
import { answerAfterCrash } from '../../testing/answer-after-crash.js';
import { HostWorld } from '../../testing/host-world.js';
import { resultOf, type TestMachine } from '../../testing/test-machine.js';

type Body = Extract<CommandBody, { verb: 'define-machine' }>;

let world: HostWorld;
let machine: TestMachine;
let recordedXml: string;

beforeAll(async () => {
  world = await HostWorld.open();
  machine = await world.addMachine('g1');
  world.agent.start();
  await world.api.connected();
  await machine.snapshot({ power: 'OFF' });
  recordedXml = await world.virsh('dumpxml', machine.name, '--inactive', '--security-info');
});

afterAll(() => world.close());

/** New heads over what was frozen, and the command that makes a machine of them. */
async function asked(name: string): Promise<Body> {
  const volumes = machine.volumes.map(({ target, files }) => {
    const volumeId = randomUUID();
    const chain = files.slice(1).map((fileName) => ({ pool: 'pool', fileName, format: 'qcow2' as const }));
    return { volumeId, target, pool: 'pool', newFileName: `volume-${volumeId}.0.qcow2`, chain };
  });
  const create = volumes.map((volume) => ({ ...volume, virtualBytes: 0, over: 'FROZEN' as const }));
  resultOf(await world.api.run({ verb: 'create-layers', machineUuid: machine.uuid, volumes: create }), 'create-layers');
  return {
    verb: 'define-machine',
    machineUuid: randomUUID(),
    name,
    recordedXml,
    volumes: volumes.map(({ volumeId, target, newFileName, chain }) => ({
      volumeId,
      target,
      chain: [{ pool: 'pool', fileName: newFileName, format: 'qcow2' as const }, ...chain],
    })),
  };
}

async function xmlOf(name: string): Promise<string> {
  return world.virsh('dumpxml', name, '--inactive');
}

const POINTS: readonly CrashPoint[] = [
  'define-machine/before-define',
  'define-machine/after-define',
  'define-machine/before-finished-record',
];

it.each(POINTS)('%s: one machine, on its own heads, with nothing of the other', async (point) => {
  const body = await asked(`like-${point.split('/')[1] ?? ''}`);
  const result = resultOf(await answerAfterCrash(world, body, { point }), 'define-machine');
  expect(result.definition.disks).toEqual(['vda', 'vdb']);
  expect(result.volumes.map(({ volumeId }) => volumeId)).toEqual(body.volumes.map(({ volumeId }) => volumeId));
  const xml = await xmlOf(body.name);
  expect(xml).toContain(body.machineUuid);
  for (const { chain } of body.volumes) expect(xml).toContain(join(world.poolDir, chain[0]?.fileName ?? ''));
  expect(xml).not.toMatch(/g1\.(tick|console)/);
  expect(resultOf(await world.api.run(body), 'define-machine').definition.inactiveXml).toBe(result.definition.inactiveXml);
  expect(await world.virsh('dominfo', body.name)).toMatch(/State:\s+shut off[^]*Autostart:\s+disable/);
});

it('leaves a machine alone that has the UUID, the name or the heads', async () => {
  const body = await asked('taken');
  resultOf(await world.api.run(body), 'define-machine');
  const before = await xmlOf('taken');
  expect(await world.api.run({ ...body, name: 'other' })).toMatchObject({ failure: { code: 'MACHINE_STATE' } });
  const next = await asked('taken');
  expect(await world.api.run(next)).toMatchObject({ failure: { code: 'MACHINE_STATE', message: expect.stringContaining('name taken') } });
  expect(await world.api.run({ ...next, machineUuid: body.machineUuid })).toMatchObject({ failure: { code: 'MACHINE_STATE' } });
  expect(await world.api.run({ ...body, machineUuid: randomUUID(), name: 'third' })).toMatchObject({
    failure: { code: 'MACHINE_DRIFTED' },
  });
  expect(await xmlOf('taken')).toBe(before);
  expect(await world.virsh('list', '--all', '--name')).not.toMatch(/other|third/);
});
