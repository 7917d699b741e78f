import { CHAIN_LIMIT } from '@coppice/snapshot-tree';
import { expect, it } from 'vitest';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import { codeOf, someFacts, someHost, someLayer, someSnapshot, someVolume } from '../../testing/machine-facts.js';
import { type CloneRequest, decideClone } from './decide-clone.js';
import { domainNameOf } from './clone-program.js';

const REQUEST: CloneRequest = {
  snapshotId: 's1',
  virtualMachineId: 'm',
  name: 'web-2',
  linked: true,
  start: false,
  planHash: null,
  idempotencyKey: null,
};

/** A snapshot of vda at a chain of so many layers, and the head over it. */
function facts(length: number, changed: Parameters<typeof someFacts>[0] = {}): MachineFacts {
  const layers = Array.from({ length: length + 1 }, (_unused, n) =>
    someLayer(`l${n}`, { backingLayerId: n === 0 ? null : `l${n - 1}`, allocatedBytes: 10 }),
  );
  const disk = { volumeId: 'v', layerId: `l${length - 1}`, target: 'vda' };
  const volumes = [someVolume({ headLayerId: `l${length}` })];
  return someFacts({ volumes, layers, snapshots: [someSnapshot('s1', { disks: [disk] })], ...changed });
}

it.each(['RUNNING', 'PAUSED', 'STOPPED'] as const)('reads the frozen layer with all that is below it, of a machine that is %s', (state) => {
  const decided = decideClone(REQUEST, facts(3, { machine: { state } }));
  expect(decided).toMatchObject({ ok: true, value: { snapshot: { id: 's1' }, disks: [{ target: 'vda', layer: { id: 'l2' } }] } });
  expect(decided.ok && decided.value.disks[0]?.chain.map(({ id }) => id)).toEqual(['l2', 'l1', 'l0']);
});

it('keeps the place of a T-trick in a linked clone; a copy has a chain of its own', () => {
  expect(codeOf(decideClone(REQUEST, facts(CHAIN_LIMIT - 2)))).toBe('done');
  expect(codeOf(decideClone(REQUEST, facts(CHAIN_LIMIT - 1)))).toBe('CHAIN_TOO_LONG');
  expect(codeOf(decideClone({ ...REQUEST, linked: false }, facts(CHAIN_LIMIT - 1)))).toBe('done');
});

it('needs room for what is copied, and little for what is shared', () => {
  const large = (n: number) =>
    someLayer(`l${n}`, { backingLayerId: n === 0 ? null : `l${n - 1}`, allocatedBytes: 2 ** 30, virtualBytes: 2 ** 31 });
  const layers = [0, 1, 2, 3].map(large);
  const room = (availableBytes: bigint) => facts(3, { layers, volumes: [someVolume({ headLayerId: 'l3', pool: { availableBytes } })] });
  expect(codeOf(decideClone(REQUEST, room(2n ** 23n)))).toBe('done');
  expect(codeOf(decideClone({ ...REQUEST, linked: false }, room(2n ** 30n)))).toBe('INSUFFICIENT_SPACE');
  // Never more than the disk is large.
  expect(codeOf(decideClone({ ...REQUEST, linked: false }, room(2n ** 31n + 2n ** 28n)))).toBe('done');
});

const REFUSED: [string, string, Parameters<typeof someFacts>[0]][] = [
  ['MACHINE_BUSY', 'an operation holds the machine', { holder: 'o' }],
  ['MACHINE_DRIFTED', 'the machine drifted', { driftCodes: ['CHAIN_DIFFERS'] }],
  ['HOST_UNAVAILABLE', 'its host is away', { machine: { host: someHost({ state: 'DISCONNECTED' }) } }],
  ['MACHINE_STATE', 'nobody knows what it does', { machine: { state: 'UNKNOWN', powerState: 'UNKNOWN' } }],
  ['SNAPSHOT_STATE', 'the snapshot is gone', { snapshots: [] }],
  ['SNAPSHOT_STATE', 'the snapshot is not whole', { snapshots: [someSnapshot('s1', { state: 'ERROR' })] }],
  ['NAME_TAKEN', 'the project has a machine of that name', { isNameTaken: true }],
  [
    'SNAPSHOT_STATE',
    'a layer is half merged',
    { layers: [someLayer('l0', { isSpoiled: true }), someLayer('l1', { backingLayerId: 'l0' })] },
  ],
];

it.each(REFUSED)('%s: %s', (code, _why, changed) => {
  expect(codeOf(decideClone(REQUEST, facts(1, changed)))).toBe(code);
});

it('a saved state of the machine is nothing to it; a name with a line end is none', () => {
  expect(codeOf(decideClone(REQUEST, facts(1, { driftCodes: ['MANAGED_SAVE'] })))).toBe('done');
  expect(codeOf(decideClone({ ...REQUEST, name: 'a\nb' }, facts(1)))).toBe('INVALID_INPUT');
});

it('gives the domain a name that is safe in paths and nobody else’s', () => {
  const uuid = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
  expect(domainNameOf('web-2', uuid)).toBe('web-2-7c9e6679');
  expect(domainNameOf('../Büro 1/x', uuid)).toMatch(/^B[A-Za-z0-9._-]*-7c9e6679$/);
  expect(domainNameOf('漢字', uuid)).toBe('machine-7c9e6679');
  expect(domainNameOf('x'.repeat(128), uuid).length).toBeLessThan(100);
});
