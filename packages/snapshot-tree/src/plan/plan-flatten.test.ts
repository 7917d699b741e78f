import { describe, expect, it } from 'vitest';
import type { ForestRecord, MachineHead } from '../model/forest-record.js';
import { clusters, head, layer } from '../testing/forest-builders.js';
import { applyFlatten, planFlatten } from './plan-flatten.js';

/** template ◀─ a(s1) ◀─ b ◀─ head */
const record: ForestRecord<MachineHead> = {
  layers: [
    { ...layer('template', null, clusters(0, 20)), isTemplate: true },
    layer('a', 'template', clusters(0, 6)),
    layer('b', 'a', [5, 7]),
    layer('head', 'b', [7]),
  ],
  heads: [head('head')],
  pins: [{ snapshotId: 's1', volumeId: 'v', layerId: 'a' }],
};

function planned(downTo: 'TEMPLATE' | 'ALL') {
  const answer = planFlatten({ record, volumeId: 'v', downTo });
  if (!answer.ok) throw new Error(answer.refusal.code);
  return answer.value;
}

describe('flattening', () => {
  it('copies down to the template, and discards what no snapshot reads', () => {
    const plan = planned('TEMPLATE');
    expect(plan).toMatchObject({ keptBackingId: 'template', pulledIds: ['a', 'b'], pullBytes: 6, discards: ['b'] });
    expect(plan.plan.steps.map((step) => step.kind)).toEqual(['FLATTEN_LAYER', 'VERIFY_CHAIN', 'DISCARD_LAYER']);
    expect(plan.plan.warnings).toHaveLength(1);
    const after = applyFlatten(record, plan);
    expect(after.layers.map((one) => `${one.id} over ${one.backingLayerId ?? '-'}`)).toEqual([
      'template over -',
      'a over template',
      'head over template',
    ]);
  });

  it('goes all the way where asked', () => {
    expect(planned('ALL')).toMatchObject({ keptBackingId: null, pulledIds: ['template', 'a', 'b'], pullBytes: 19, discards: ['b'] });
  });

  it('says where there is nothing to do', () => {
    const flat = { ...record, layers: [layer('head', null)], pins: [] };
    expect(planFlatten({ record: flat, volumeId: 'v', downTo: 'ALL' })).toEqual({
      ok: false,
      refusal: { code: 'ALREADY_FLAT', volumeId: 'v' },
    });
    expect(planFlatten({ record, volumeId: 'w', downTo: 'ALL' })).toEqual({
      ok: false,
      refusal: { code: 'UNKNOWN_VOLUME', volumeId: 'w' },
    });
  });
});
