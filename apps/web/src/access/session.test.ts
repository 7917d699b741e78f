import { expect, it } from 'vitest';
import { readReturnPath } from './session';

it('goes back to where the visitor was', () => {
  expect(readReturnPath('?next=%2Fmachines%2Fabc%3Fx%3D1')).toBe('/machines/abc?x=1');
  expect(readReturnPath('')).toBe('/');
});

it.each(['https://evil.example/', '//evil.example', '/\\evil.example', 'javascript:alert(1)'])('never leaves this site for %s', (next) => {
  expect(readReturnPath(`?next=${encodeURIComponent(next)}`)).toBe('/');
});
