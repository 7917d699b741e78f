import { describe, expect, it } from 'vitest';
import { lengthMs, sayOperationKind, saySubject } from './operation-words';

describe('words of operations', () => {
  it('take a mutation’s name apart where there are no better words', () => {
    expect(sayOperationKind('createVmSnapshot')).toBe('Take snapshot');
    expect(sayOperationKind('migrateVolume')).toBe('Migrate volume');
  });

  it('name what a transition is about, and where to look at it', () => {
    const machine = { id: 'm1', name: 'web-1' };
    expect(saySubject('VM_SNAPSHOT', { __typename: 'VmSnapshot', id: 's', snapshotName: 's1', snapshotMachine: machine })).toEqual({
      name: 's1',
      type: 'Snapshot',
      machineId: 'm1',
    });
    expect(saySubject('VIRTUAL_MACHINE', { id: 'm1', machineName: 'web-1' }).machineId).toBe('m1');
    expect(saySubject('HOST', { id: 'h', hostName: 'demo-1' })).toEqual({ name: 'demo-1', type: 'Host', machineId: null });
    expect(saySubject('VM_SNAPSHOT', null).name).toBe('gone by now');
  });

  it('measure only what has both ends', () => {
    expect(lengthMs({ startedAt: '2026-11-21T10:00:00Z', finishedAt: '2026-11-21T10:00:02.500Z' })).toBe(2_500);
    expect(lengthMs({ startedAt: '2026-11-21T10:00:00Z', finishedAt: null })).toBeNull();
  });
});
