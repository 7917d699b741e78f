import { expect, it } from 'vitest';
import { elsewhere, fieldOf, messageAt } from './refusals';

const errors = [
  { message: 'Taken.', path: ['input', 'name'] },
  { message: 'Busy.', path: null },
  { message: 'No such volume.', path: ['input', 'volumeIds', '0'] },
];

it('puts each refusal where it belongs', () => {
  expect(errors.map(fieldOf)).toEqual(['name', null, 'volumeIds']);
  expect(messageAt(errors, 'name')).toBe('Taken.');
  expect(messageAt(errors, 'quiesce')).toBeUndefined();
  expect(elsewhere(errors, ['name', 'volumeIds']).map(({ message }) => message)).toEqual(['Busy.']);
});
