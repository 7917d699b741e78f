import { expect, it } from 'vitest';
import { toMebibytes, toMemoryBytes, toVcpus } from './machine-size';

it('reads processors as whole numbers', () => {
  expect(['2', ' 8 ', '0', '1.5', '', 'two', '5000'].map(toVcpus)).toEqual([2, 8, null, null, null, null, null]);
});

it('reads memory as whole MiB, and writes it so', () => {
  expect(['96', '', '-1', '0.5', '99999999999'].map(toMemoryBytes)).toEqual([100_663_296, null, null, null, null]);
  expect(toMebibytes(100_663_296)).toBe('96');
});
