import { expect, it } from 'vitest';
import { whyNoneOf, whyNot } from './availability';

const on = { action: 'DELETE_VM_SNAPSHOT', enabled: true, reason: null } as const;
const off = { action: 'DELETE_VM_SNAPSHOT', enabled: false, reason: 'It is locked.' } as const;

it('gives the reason of the API, and one of its own where there is none', () => {
  expect(whyNot([on], 'DELETE_VM_SNAPSHOT')).toBeUndefined();
  expect(whyNot([off], 'DELETE_VM_SNAPSHOT')).toBe('It is locked.');
  expect(whyNot([{ ...off, reason: null }], 'DELETE_VM_SNAPSHOT')).toBe('This cannot be done now.');
  expect(whyNot([on], 'START')).toBe('This cannot be done now.');
});

it('lets several be asked about while one of them may', () => {
  expect(whyNoneOf([{ actions: [off] }, { actions: [on] }], 'DELETE_VM_SNAPSHOT')).toBeUndefined();
  expect(whyNoneOf([{ actions: [off] }], 'DELETE_VM_SNAPSHOT')).toBe('It is locked.');
  expect(whyNoneOf([], 'DELETE_VM_SNAPSHOT')).toBeUndefined();
});
