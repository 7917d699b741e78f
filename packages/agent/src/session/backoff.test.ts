import { CloseCode } from '@coppice/protocol';
import { expect, it } from 'vitest';
import { pauseBeforeReconnect } from './backoff.js';

it('doubles the ceiling with each failure, up to half a minute, and draws anywhere below it', () => {
  const ceilings = [0, 1, 2, 6, 7, 1000].map((failures) => pauseBeforeReconnect(failures, 1006, 0.999999));
  expect(ceilings).toEqual([250, 500, 1000, 16000, 30000, 30000]);
  expect(pauseBeforeReconnect(5, 1006, 0)).toBe(0);
});

it('tries about once a minute after a close that needs a person, whatever the number of failures', () => {
  for (const code of [CloseCode.UNAUTHENTICATED, CloseCode.REVOKED, CloseCode.JOURNAL_REFUSED, CloseCode.VERSION_REFUSED]) {
    expect(pauseBeforeReconnect(0, code, 0)).toBe(45_000);
    expect(pauseBeforeReconnect(9, code, 0.999999)).toBe(75_000);
  }
  expect(pauseBeforeReconnect(0, CloseCode.REPLACED, 0.5)).toBe(125);
});
