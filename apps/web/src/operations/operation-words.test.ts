import { describe, expect, it } from 'vitest';
import { lengthMs, sayOperationKind, sayProgress, saySubject, whyNotCancelable } from './operation-words';

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

  it('say how far something is, as far as that is known', () => {
    const mib = 2 ** 20;
    expect(sayProgress({ bytesDone: mib, bytesTotal: 4 * mib, bytesPerSecond: mib, etaSeconds: 3 })).toBe(
      '1 MiB of 4 MiB · 1 MiB/s · 3 s left',
    );
    expect(sayProgress({ bytesDone: null, bytesTotal: 4 * mib, bytesPerSecond: null, etaSeconds: null })).toBe('0 B of 4 MiB');
    expect([sayProgress({ bytesDone: 0, bytesTotal: 0 }), sayProgress(null)]).toEqual(['', '']);
  });

  it('say why something cannot be cancelled', () => {
    expect(whyNotCancelable({ state: 'RUNNING', cancelable: true })).toBeUndefined();
    expect(whyNotCancelable({ state: 'RUNNING', cancelable: false })).toContain('goes on to its end');
    expect(whyNotCancelable({ state: 'CANCELLING', cancelable: true })).toContain('already');
  });
});
