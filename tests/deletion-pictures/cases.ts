/** The forests of docs/how-deletion-works.md: one volume each, sizes in MiB, drawn by the planner's own answers. */
import type { Layer, MachineHead, Pin } from '@coppice/snapshot-tree';

const MIB = 1024 * 1024;

/** A layer in shorthand: where it has data, in MiB from the start of the disk. */
type Drawn = { on: string | null; data: readonly (readonly [number, number])[]; isTemplate?: boolean };

export type Case = {
  name: string;
  title: string;
  layers: Record<string, Drawn>;
  /** Snapshot → layer. */
  pins: Record<string, string>;
  heads: { layer: string; isRunning: boolean }[];
  deletes: string[];
};

export const CASES: Case[] = [
  {
    name: 'leaf',
    title: 'Delete s3, a leaf that nobody grew from',
    layers: {
      '0': { on: null, data: [[0, 400]] },
      '1': { on: '0', data: [[0, 60]] },
      '2': { on: '1', data: [[40, 90]] },
      '3': { on: '0', data: [[0, 20]] },
    },
    pins: { s1: '0', s2: '1', s3: '2' },
    heads: [{ layer: '3', isRunning: false }],
    deletes: ['s3'],
  },
  {
    name: 'commit',
    title: 'Delete s1: little was written after it',
    layers: { '0': { on: null, data: [[0, 400]] }, '1': { on: '0', data: [[0, 10]] }, '2': { on: '1', data: [[0, 30]] } },
    pins: { s1: '0', s2: '1' },
    heads: [{ layer: '2', isRunning: false }],
    deletes: ['s1'],
  },
  {
    name: 'pull',
    title: 'Delete s2: most of it was overwritten',
    layers: {
      '0': { on: null, data: [[0, 400]] },
      '1': { on: '0', data: [[0, 40]] },
      '2': { on: '1', data: [[5, 300]] },
      '3': { on: '2', data: [[0, 5]] },
    },
    pins: { s1: '0', s2: '1', s3: '2' },
    heads: [{ layer: '3', isRunning: false }],
    deletes: ['s2'],
  },
  {
    name: 'run',
    title: 'Delete s2, s3 and s4 at once: one run, one merge, into the cheapest of its files',
    layers: {
      '0': { on: null, data: [[0, 400]] },
      '1': { on: '0', data: [[0, 20]] },
      '2': { on: '1', data: [[0, 250]] },
      '3': { on: '2', data: [[10, 40]] },
      '4': { on: '3', data: [[30, 50]] },
      '5': { on: '4', data: [[0, 5]] },
    },
    pins: { s1: '0', s2: '1', s3: '2', s4: '3', s5: '4' },
    heads: [{ layer: '5', isRunning: false }],
    deletes: ['s2', 's3', 's4'],
  },
  {
    name: 'retained',
    title: 'Delete s1, from which two branches grew: its layer is retained',
    layers: {
      '0': { on: null, data: [[0, 400]] },
      '1': { on: '0', data: [[0, 80]] },
      '2': { on: '0', data: [[50, 70]] },
      '3': { on: '2', data: [[0, 5]] },
    },
    pins: { s1: '0', s2: '1', s3: '2' },
    heads: [{ layer: '3', isRunning: false }],
    deletes: ['s1'],
  },
  {
    name: 'one-branch-left',
    title: 'Then delete s2: one branch is left, and the retained layer is merged',
    layers: {
      '0': { on: null, data: [[0, 400]] },
      '1': { on: '0', data: [[0, 80]] },
      '2': { on: '0', data: [[50, 70]] },
      '3': { on: '2', data: [[0, 5]] },
    },
    pins: { s2: '1', s3: '2' },
    heads: [{ layer: '3', isRunning: false }],
    deletes: ['s2'],
  },
  {
    name: 'running-head',
    title: 'Delete s1, the current one, while the machine runs: the T-trick',
    layers: { '0': { on: null, data: [[0, 400]] }, '1': { on: '0', data: [[0, 60]] } },
    pins: { s1: '0' },
    heads: [{ layer: '1', isRunning: true }],
    deletes: ['s1'],
  },
  {
    name: 'deferred',
    title: 'Delete s2 while the machine runs: cheap only once it is stopped',
    layers: {
      '0': { on: null, data: [[0, 400]] },
      '1': { on: '0', data: [[0, 20]] },
      '2': { on: '1', data: [[0, 300]] },
      '3': { on: '2', data: [[0, 5]] },
    },
    pins: { s1: '0', s2: '1', s3: '2' },
    heads: [{ layer: '3', isRunning: true }],
    deletes: ['s2'],
  },
];

/** The parts of a case as the planner takes them. */
export function forestOf(drawn: Case): { layers: Layer[]; pins: Pin[]; heads: MachineHead[] } {
  const layers = Object.entries(drawn.layers).map(([id, { on, data, isTemplate }]): Layer => {
    const extents = data.map(([from, to]): [number, number] => [from * MIB, to * MIB]);
    return {
      id,
      volumeId: 'v',
      fileName: `volume-v.${id}.qcow2`,
      format: 'qcow2',
      backingLayerId: on,
      virtualBytes: 1024 * MIB,
      allocatedBytes: extents.reduce((sum, [from, to]) => sum + to - from, 0),
      isTemplate: isTemplate ?? false,
      data: extents,
      isSpoiled: false,
    };
  });
  const pins = Object.entries(drawn.pins).map(([snapshotId, layerId]) => ({ snapshotId, layerId, volumeId: 'v' }));
  const heads = drawn.heads.map(({ layer, isRunning }) => ({
    volumeId: 'v',
    target: 'vda',
    headLayerId: layer,
    nextLayerNumber: layers.length,
    machineId: 'm',
    isRunning,
  }));
  return { layers, pins, heads };
}
