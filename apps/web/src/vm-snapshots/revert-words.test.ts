import { expect, it } from 'vitest';
import { sayLoss, saySubset } from './revert-words';

const nodes = new Map([['s3', { name: 'before the upgrade' }]]);

it('says what is lost, how much, and since when', () => {
  expect(sayLoss(3 * 2 ** 20, { nodes, currentId: 's3' })).toContain('3 MiB, written since “before the upgrade”');
  expect(sayLoss(0, { nodes, currentId: null })).toContain('0 B, no snapshot holds any of it');
});

it('says which volumes a partial snapshot leaves alone', () => {
  const machine = {
    volumes: [
      { id: 'a', name: 'web-a', target: 'vda' },
      { id: 'b', name: 'web-b', target: null },
    ],
  };
  expect(saySubset({ disks: [{ target: 'vda', volume: { id: 'a' } }] }, machine)).toBe(
    'The snapshot holds vda only. web-b will stay as now.',
  );
  expect(
    saySubset(
      {
        disks: [
          { target: 'vda', volume: { id: 'a' } },
          { target: 'vdb', volume: { id: 'b' } },
        ],
      },
      machine,
    ),
  ).toBeNull();
});
