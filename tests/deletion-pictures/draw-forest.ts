/** Draws the layer forest of a case before and after its plan, as an SVG that looks the same on light and dark pages. */
import {
  applyMerge,
  applyThicken,
  type DeletePlan,
  type ForestRecord,
  LayerForest,
  type MachineHead,
  planDelete,
} from '@coppice/snapshot-tree';
import { type Case, forestOf } from './cases.js';

const BOX = { width: 148, height: 46, gapX: 34, gapY: 20 };
const MARGIN = 18;
const MIB = 1024 * 1024;

/** The picture of a case: the forest before, the steps of the plan, the forest after. */
export function pictureOf(drawn: Case): string {
  const before = forestOf(drawn);
  const planned = planDelete({
    forest: new LayerForest(before.layers),
    snapshots: Object.keys(drawn.pins).map((id) => ({
      id,
      parentId: null,
      state: 'READY',
      isLocked: false,
      kind: 'DISK',
      memoryBytes: null,
    })),
    currentSnapshotId: null,
    pins: before.pins,
    heads: before.heads,
    doomed: { snapshotIds: drawn.deletes, withDescendants: false },
    checkpointedVolumeIds: new Set(),
  });
  if (!planned.ok) throw new Error(`${drawn.name} is refused: ${planned.refusal.code}`);
  const plan = planned.value;
  const upper = forestSvg(before, { y: 74, caption: 'before', doomed: new Set(drawn.deletes), gone: new Set() });
  const steps = plan.plan.steps.map((step) => step.description);
  const stepsY = 74 + upper.height + 26;
  const lower = forestSvg(recordAfter(before, plan), {
    y: stepsY + steps.length * 18 + 30,
    caption: 'after',
    doomed: new Set(),
    gone: new Set(),
  });
  const width = Math.max(640, upper.width, lower.width) + 2 * MARGIN;
  const height = stepsY + steps.length * 18 + 30 + lower.height + MARGIN;
  const bytes = `moves ${mib(plan.plan.bytesToMove)}, frees ${mib(plan.plan.bytesFreed)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${text(drawn.title)}</title>`,
    `<rect width="${width}" height="${height}" rx="10" fill="#ffffff"/>`,
    `<text x="${MARGIN}" y="28" font-size="15" font-weight="600" fill="#1b2a20">${text(drawn.title)}</text>`,
    `<text x="${MARGIN}" y="46" fill="#4b5b50">${bytes}</text>`,
    ...upper.lines,
    ...steps.map((step, at) => `<text x="${MARGIN}" y="${stepsY + at * 18}" fill="#1b2a20">${at + 1}. ${text(step)}</text>`),
    ...lower.lines,
    '</svg>',
    '',
  ].join('\n');
}

/** The record once everything that the plan does now is done. */
function recordAfter(before: ForestRecord<MachineHead>, plan: DeletePlan): ForestRecord<MachineHead> {
  const doomed = new Set(plan.doomed);
  let record: ForestRecord<MachineHead> = { ...before, pins: before.pins.filter((pin) => !doomed.has(pin.snapshotId)) };
  for (const merge of plan.merges) {
    const ready = merge.thickens === null ? record : applyThicken(record, merge, merge.thickens.replace(/^volume-v\.(\d+)\.qcow2$/, '$1'));
    record = applyMerge(ready, merge);
  }
  return { ...record, layers: record.layers.filter((layer) => !plan.discards.includes(layer.id)) };
}

type Drawing = { y: number; caption: string; doomed: ReadonlySet<string>; gone: ReadonlySet<string> };

/** Bases at the left, one row per branch. */
function forestSvg(record: ForestRecord<MachineHead>, drawing: Drawing): { lines: string[]; width: number; height: number } {
  const forest = new LayerForest(record.layers);
  const places = new Map<string, { x: number; y: number }>();
  let rows = 0;
  const place = (id: string, column: number) => {
    const row = rows;
    for (const child of forest.childrenOf(id)) place(child.id, column + 1);
    if (rows === row) rows += 1;
    places.set(id, { x: MARGIN + column * (BOX.width + BOX.gapX), y: drawing.y + 22 + row * (BOX.height + BOX.gapY) });
  };
  for (const layer of record.layers) if (layer.backingLayerId === null) place(layer.id, 0);
  const lines = [`<text x="${MARGIN}" y="${drawing.y}" fill="#4b5b50" font-style="italic">${drawing.caption}</text>`];
  for (const layer of record.layers) {
    const at = places.get(layer.id);
    const below = layer.backingLayerId === null ? undefined : places.get(layer.backingLayerId);
    if (!at) continue;
    if (below) lines.push(arrow(at, below));
    lines.push(...boxOf({ record, id: layer.id, at, doomed: drawing.doomed }));
  }
  const columns = Math.max(...[...places.values()].map(({ x }) => x)) + BOX.width;
  return { lines, width: columns, height: 22 + rows * (BOX.height + BOX.gapY) };
}

function arrow(from: { x: number; y: number }, to: { x: number; y: number }): string {
  const [x1, y1, x2, y2] = [from.x, from.y + BOX.height / 2, to.x + BOX.width, to.y + BOX.height / 2];
  const path = y1 === y2 ? `M${x1} ${y1} H${x2 + 7}` : `M${x1} ${y1} H${(x1 + x2) / 2} V${y2} H${x2 + 7}`;
  return `<path d="${path}" fill="none" stroke="#7d8b82" stroke-width="1.5"/><path d="M${x2 + 1} ${y2} l8 -4 v8 z" fill="#7d8b82"/>`;
}

type Box = { record: ForestRecord<MachineHead>; id: string; at: { x: number; y: number }; doomed: ReadonlySet<string> };

function boxOf({ record, id, at, doomed }: Box): string[] {
  const layer = record.layers.find((one) => one.id === id);
  const pins = record.pins.filter((pin) => pin.layerId === id).map((pin) => pin.snapshotId);
  const head = record.heads.find((one) => one.headLayerId === id);
  const isRetained = !head && pins.length === 0;
  const [fill, stroke] = head ? ['#e3f4e8', '#2f7d4f'] : isRetained ? ['#f3f0e4', '#9a8a4d'] : ['#eef2f7', '#5a6f8c'];
  const names = [
    ...pins.map((pin) => (doomed.has(pin) ? `✕ ${pin}` : pin)),
    ...(head ? [head.isRunning ? 'head, running' : 'head, stopped'] : []),
  ];
  return [
    `<rect x="${at.x}" y="${at.y}" width="${BOX.width}" height="${BOX.height}" rx="6" fill="${fill}" stroke="${stroke}" stroke-width="1.5"${isRetained ? ' stroke-dasharray="5 3"' : ''}/>`,
    `<text x="${at.x + 9}" y="${at.y + 19}" fill="#1b2a20" font-weight="600">.${id}.qcow2</text>`,
    `<text x="${at.x + BOX.width - 9}" y="${at.y + 19}" text-anchor="end" fill="#4b5b50">${mib(layer?.allocatedBytes ?? 0)}</text>`,
    `<text x="${at.x + 9}" y="${at.y + 37}" fill="${pins.some((pin) => doomed.has(pin)) ? '#a33a2a' : '#1b2a20'}">${text(names.join(', ') || 'no snapshot')}</text>`,
  ];
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}

function text(plain: string): string {
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
