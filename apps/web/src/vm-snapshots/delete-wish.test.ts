import { describe, expect, it } from 'vitest';
import { type DeleteSubject, type DeleteWish, namedNodes, NO_DELETE_WISH, toBytes, toDeleteInput } from './delete-wish';

const node = (id: string, parentId: string | null, locked = false) => ({
  id,
  name: id,
  state: 'READY',
  createdAt: '2026-11-21T10:00:00Z',
  locked,
  parent: parentId === null ? null : { id: parentId },
});
const nodes = new Map(
  [node('s1', null), node('s2', 's1'), node('s3', 's2', true), node('s4', 's2')].map((each) => [each.id, each] as const),
);
const s2: DeleteSubject = { kind: 'chosen', ids: ['s2'] };
const inputOf = (subject: DeleteSubject, wish: Partial<DeleteWish> = {}) =>
  toDeleteInput('m1', nodes, { subject, wish: { ...NO_DELETE_WISH, ...wish } });

describe('a wish to delete', () => {
  it('names one, or one with all that grew from it', () => {
    expect(inputOf(s2)).toEqual({ virtualMachineId: 'm1', snapshotIds: ['s2'], withDescendants: false });
    expect(inputOf(s2, { withDescendants: true })).toEqual({ virtualMachineId: 'm1', snapshotIds: ['s2'], withDescendants: true });
  });

  it('names each one where locked ones are left out', () => {
    const wish = { withDescendants: true, leavesLocked: true };
    expect(inputOf(s2, wish)).toEqual({ virtualMachineId: 'm1', snapshotIds: ['s2', 's4'], withDescendants: false });
    expect(namedNodes(nodes, s2, { ...NO_DELETE_WISH, ...wish }).map(({ id }) => id)).toEqual(['s2', 's4']);
  });

  it('can be all of them', () => {
    expect(inputOf({ kind: 'all' })).toEqual({ virtualMachineId: 'm1', snapshotIds: ['s1', 's2', 's3', 's4'], withDescendants: false });
  });

  it('can be so many bytes, chosen by the API', () => {
    expect(inputOf({ kind: 'free' }, { amount: '1.5', unit: 'GiB' })).toEqual({ virtualMachineId: 'm1', freeBytes: 1_610_612_736 });
    expect(inputOf({ kind: 'free' }, { amount: 'much' })).toBeNull();
  });

  it('asks for nothing where nothing is left of it', () => {
    expect(inputOf({ kind: 'chosen', ids: ['gone'] })).toBeNull();
    expect(inputOf({ kind: 'chosen', ids: ['s3'] }, { leavesLocked: true })).toBeNull();
  });
});

it.each([
  ['1', 'GiB', 2 ** 30],
  [' 2,5 ', 'MiB', 2_621_440],
  ['0', 'GiB', null],
  ['-1', 'GiB', null],
  ['', 'GiB', null],
  ['99999999', 'TiB', null],
] as const)('%s %s are %s bytes', (amount, unit, bytes) => {
  expect(toBytes(amount, unit)).toBe(bytes);
});
