import { expect, it } from 'vitest';
import { whyNoTarget } from './migration-target';

it('takes only another host that is up', () => {
  expect(whyNoTarget({ id: 'h2', state: 'UP' }, { id: 'h1' })).toBeUndefined();
  expect(whyNoTarget({ id: 'h1', state: 'UP' }, { id: 'h1' })).toContain('on it now');
  expect(whyNoTarget({ id: 'h2', state: 'MAINTENANCE' }, { id: 'h1' })).toContain('maintenance');
  expect(whyNoTarget({ id: 'h2', state: 'DISCONNECTED' }, null)).toContain('not connected');
});
