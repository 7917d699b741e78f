import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkForest } from '../check/check-forest.js';
import type { ForestRecord } from '../model/forest-record.js';
import { type Layer, LayerForest } from '../model/layer-forest.js';
import { CHAIN_LIMIT, type CreatePlan, planCreate } from './plan-create.js';
import { layerFileName } from './layer-file-name.js';
import { planSignature } from './plan.js';

const volumeA = '0190a000-0000-7000-8000-00000000000a';
const volumeB = '0190a000-0000-7000-8000-00000000000b';

function base(volumeId: string): Layer {
  const fileName = layerFileName(volumeId, 0);
  return {
    id: `${volumeId}#0`,
    volumeId,
    fileName,
    format: 'qcow2',
    backingLayerId: null,
    virtualBytes: 64,
    allocatedBytes: 8,
    isTemplate: false,
    data: null,
    isSpoiled: false,
  };
}

function twoVolumes(): ForestRecord {
  return {
    layers: [base(volumeA), base(volumeB)],
    heads: [
      { volumeId: volumeB, target: 'vdb', headLayerId: `${volumeB}#0`, nextLayerNumber: 1 },
      { volumeId: volumeA, target: 'vda', headLayerId: `${volumeA}#0`, nextLayerNumber: 1 },
    ],
    pins: [],
  };
}

function plan(record: ForestRecord, options: { volumeIds?: string[]; quiesce?: boolean; power?: 'ON' | 'OFF'; chainLimit?: number } = {}) {
  return planCreate({
    forest: new LayerForest(record.layers),
    volumes: record.heads,
    volumeIds: options.volumeIds ?? null,
    power: options.power ?? 'ON',
    quiesce: options.quiesce ?? false,
    chainLimit: options.chainLimit ?? CHAIN_LIMIT,
  });
}

/** What the record is once a host has done the plan. */
function carriedOut(record: ForestRecord, created: CreatePlan, snapshotId: string): ForestRecord {
  const added = created.volumes.map((volume): Layer => {
    const n = record.heads.find((head) => head.volumeId === volume.volumeId)?.nextLayerNumber ?? 0;
    return {
      ...volume.frozen,
      id: `${volume.volumeId}#${n}`,
      fileName: volume.newFileName,
      backingLayerId: volume.frozen.id,
      allocatedBytes: 1,
    };
  });
  return {
    layers: [...record.layers, ...added],
    heads: record.heads.map((head) => {
      const layer = added.find((candidate) => candidate.volumeId === head.volumeId);
      return layer ? { ...head, headLayerId: layer.id, nextLayerNumber: head.nextLayerNumber + 1 } : head;
    }),
    pins: [...record.pins, ...created.volumes.map((volume) => ({ snapshotId, volumeId: volume.volumeId, layerId: volume.frozen.id }))],
  };
}

describe('planning a DISK snapshot', () => {
  it('freezes all disks in one act inside a quiesce, in order of target', () => {
    const planned = plan(twoVolumes(), { quiesce: true });
    if (!planned.ok) throw new Error(planned.refusal.code);
    expect(planned.value.plan.steps.map((step) => `${step.kind} ${step.volumeId ?? ''}`.trim())).toEqual([
      `CREATE_LAYER ${volumeA}`,
      `CREATE_LAYER ${volumeB}`,
      'QUIESCE_GUEST',
      `FREEZE_LAYER ${volumeA}`,
      `FREEZE_LAYER ${volumeB}`,
      'THAW_GUEST',
      'SAVE_DEFINITION',
      'VERIFY_CHAIN',
    ]);
    expect(planned.value.plan.bytesToMove).toBe(0);
  });

  it('does not quiesce a machine that is off, and says nothing of power cuts there', () => {
    const planned = plan(twoVolumes(), { quiesce: true, power: 'OFF' });
    if (!planned.ok) throw new Error(planned.refusal.code);
    expect(planned.value.plan.steps.some((step) => step.kind === 'QUIESCE_GUEST')).toBe(false);
    expect(planned.value.plan.warnings).toEqual([]);
  });

  it('refuses a volume that is not attached, and a machine without volumes', () => {
    expect(plan(twoVolumes(), { volumeIds: ['elsewhere'] })).toEqual({
      ok: false,
      refusal: { code: 'UNKNOWN_VOLUME', volumeId: 'elsewhere' },
    });
    expect(plan({ layers: [], heads: [], pins: [] })).toEqual({ ok: false, refusal: { code: 'NO_VOLUMES' } });
  });

  it('refuses the layer after which no room would be left for a merge, and names the disk', () => {
    expect(plan(twoVolumes(), { chainLimit: 3 }).ok).toBe(true);
    const refused = plan(twoVolumes(), { chainLimit: 2 });
    expect(refused).toEqual({ ok: false, refusal: { code: 'CHAIN_TOO_LONG', volumeId: volumeA, target: 'vda', length: 1, limit: 2 } });
  });

  it('has a signature of steps and targets, not of bytes', () => {
    const before = plan(twoVolumes());
    const grown = twoVolumes();
    const after = plan({ ...grown, layers: grown.layers.map((layer) => ({ ...layer, allocatedBytes: layer.allocatedBytes * 7 })) });
    if (!before.ok || !after.ok) throw new Error('refused');
    expect(planSignature(after.value.plan)).toBe(planSignature(before.value.plan));
  });

  it('never changes what an earlier snapshot reads, over any sequence of subsets', () => {
    const subsets = fc.array(fc.subarray([volumeA, volumeB], { minLength: 1 }), { maxLength: 20 });
    fc.assert(
      fc.property(subsets, (sequence) => {
        let record = twoVolumes();
        const reads = new Map<string, string>();
        for (const [index, volumeIds] of sequence.entries()) {
          const planned = plan(record, { volumeIds });
          if (!planned.ok) throw new Error(planned.refusal.code);
          record = carriedOut(record, planned.value, `s${index}`);
          const forest = new LayerForest(record.layers);
          expect(checkForest(record)).toEqual([]);
          for (const pin of record.pins) {
            const key = `${pin.snapshotId} ${pin.volumeId}`;
            const chain = forest
              .chainOf(pin.layerId)
              .map((layer) => layer.id)
              .join(' < ');
            expect(reads.get(key) ?? chain).toBe(chain);
            reads.set(key, chain);
          }
        }
      }),
    );
  });
});
