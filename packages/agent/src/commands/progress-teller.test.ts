import type { AgentMessage } from '@coppice/protocol';
import { expect, it } from 'vitest';
import { progressTeller } from './progress-teller.js';

function teller() {
  const told: AgentMessage[] = [];
  const clock = { ms: 0 };
  const progress = progressTeller({
    commandId: '7c1f9a8e-0000-4000-8000-000000000001',
    tell: (message) => told.push(message),
    now: () => new Date(clock.ms),
  });
  return { told, clock, progress };
}

it('tells bytes of a running step at most four times a second, and its beginning and end always', () => {
  const { told, clock, progress } = teller();
  progress('COMMIT_LAYER', 'RUNNING', 'vda');
  for (clock.ms = 0; clock.ms < 1000; clock.ms += 10)
    progress('COMMIT_LAYER', 'RUNNING', { target: 'vda', bytesDone: clock.ms, bytesTotal: 1000 });
  progress('COMMIT_LAYER', 'SUCCEEDED', { target: 'vda', bytesDone: 1000, bytesTotal: 1000 });
  expect(told.map((message) => (message.type === 'command.progressed' ? message.bytesDone : undefined))).toEqual([
    null,
    0,
    250,
    500,
    750,
    1000,
  ]);
});

it('leaves out what is not known', () => {
  const { told, progress } = teller();
  progress('VERIFY_CHAIN', 'SUCCEEDED');
  expect(told).toEqual([expect.objectContaining({ target: null, bytesDone: null, bytesTotal: null, state: 'SUCCEEDED' })]);
});
