import { expect, it } from 'vitest';
import { NO_WISH, toCreateInput, whyNoMemory } from './snapshot-wish';

it('is sent with empty texts as none, so that the API finds a name', () => {
  expect(toCreateInput('m1', { ...NO_WISH, name: '  ', volumeIds: ['a'] })).toEqual({
    virtualMachineId: 'm1',
    name: null,
    description: null,
    kind: 'DISK',
    quiesce: false,
    volumeIds: ['a'],
  });
});

it('takes all volumes with memory, and freezes nothing, whatever was chosen before', () => {
  const input = toCreateInput('m1', { ...NO_WISH, name: 's1', kind: 'DISK_AND_MEMORY', isQuiesced: true, volumeIds: ['a'] });
  expect(input).toMatchObject({ name: 's1', kind: 'DISK_AND_MEMORY', quiesce: false, volumeIds: null });
});

it('keeps memory only of a machine that has one now', () => {
  expect(whyNoMemory({ powerState: 'ON' })).toBeUndefined();
  expect(whyNoMemory({ powerState: 'PAUSED' })).toBeUndefined();
  expect(whyNoMemory({ powerState: 'OFF' })).toContain('off');
});
