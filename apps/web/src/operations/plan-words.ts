/** A plan in words: its steps by volume, what needs explaining, and what it costs. Pure. */
import type { PlanStepKind, PlanViewFragment } from '../../generated/graphql';
import { formatBytes, formatDuration } from '../ui/format';

type Step = PlanViewFragment['steps'][number];

/** The steps of one volume; `volume` null: those of the machine as a whole. */
export type StepGroup = { volume: Step['volume']; steps: readonly Step[] };

/** Steps by volume, in the order in which each volume comes first; within one volume they keep their order. */
export function groupByVolume(steps: readonly Step[]): StepGroup[] {
  const groups = new Map<string | null, { volume: Step['volume']; steps: Step[] }>();
  for (const step of steps) {
    const id = step.volume?.id ?? null;
    const group = groups.get(id);
    if (group) group.steps.push(step);
    else groups.set(id, { volume: step.volume, steps: [step] });
  }
  return [...groups.values()];
}

const EXPLANATIONS: Partial<Record<PlanStepKind, string>> = {
  CARRY_BITMAPS: 'So that the next volume snapshot can stay incremental.',
  DROP_CHECKPOINT: 'The next volume snapshot of this volume will be a full one.',
};

/** Why such a step is in the plan, where its own words do not say it; null for steps that need no explanation. */
export function explainStep(kind: PlanStepKind): string | null {
  return EXPLANATIONS[kind] ?? null;
}

/** A layer's file name: which volume, and which of its layers. */
const LAYER_FILE = /(?:\blayer )?\bvolume-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.(\d+)\.qcow2/g;

/** A step's description with layers by their number instead of their files' names, which nobody can tell apart. */
export function sayLayers(description: string): string {
  return description.replaceAll(LAYER_FILE, 'layer $1');
}

/** The number of the one layer that a step is about; null where it is about none, or several. */
function layerNumber(step: Step): number | null {
  const [first, ...others] = [...step.description.matchAll(LAYER_FILE)];
  return first?.[1] === undefined || others.length > 0 ? null : Number(first[1]);
}

/** Steps as they are shown: removals of one volume that follow each other as one, since only their number differs. */
export function joinRemovals(steps: readonly Step[]): Step[] {
  const shown: { step: Step; removed: number[] }[] = [];
  for (const step of steps) {
    const number = step.kind === 'DISCARD_LAYER' ? layerNumber(step) : null;
    const last = shown.at(-1);
    if (number !== null && last && last.removed.length > 0 && last.step.volume?.id === step.volume?.id) last.removed.push(number);
    else shown.push({ step, removed: number === null ? [] : [number] });
  }
  return shown.map(({ step, removed }) => {
    if (removed.length < 2) return step;
    const numbers = removed.sort((a, b) => a - b).map(String);
    return {
      ...step,
      description: `Remove layers ${numbers.slice(0, -1).join(', ')} and ${numbers.at(-1)}, which nothing reads any more.`,
    };
  });
}

/** Steps that leave bytes where they are for now, instead of moving or freeing them. */
export function isPutOff(kind: PlanStepKind): boolean {
  return kind === 'KEEP_SHARED_LAYER' || kind === 'DEFER_MERGE';
}

type Cost = Pick<PlanViewFragment, 'bytesToMove' | 'bytesFreed' | 'peakExtraBytes' | 'estimatedSeconds'>;

/** What a plan costs and brings: names and figures, the ones that are nothing left out but for the bytes moved. */
export function sayCosts(plan: Cost): { name: string; figure: string }[] {
  const seconds = plan.estimatedSeconds ?? null;
  return [
    { name: 'Moves', figure: plan.bytesToMove === 0 ? 'nothing' : formatBytes(plan.bytesToMove) },
    ...(plan.bytesFreed > 0 ? [{ name: 'Frees', figure: formatBytes(plan.bytesFreed) }] : []),
    ...(plan.peakExtraBytes > 0 ? [{ name: 'Needs at most', figure: formatBytes(plan.peakExtraBytes) }] : []),
    ...(seconds === null ? [] : [{ name: 'Takes about', figure: seconds < 1 ? 'a second' : formatDuration(seconds * 1_000) }]),
  ];
}

/** The names of all snapshots that a plan touches, each once, in the order of its steps. */
export function namesTouched(plan: Pick<PlanViewFragment, 'steps'>): string[] {
  return [...new Map(plan.steps.flatMap((step) => step.snapshots.map(({ id, name }) => [id, name] as const))).values()];
}

/** What becomes of the machine meanwhile, in a sentence. */
export function sayInterruption(plan: Pick<PlanViewFragment, 'stopsMachine'>, isOff: boolean): string {
  if (isOff) return 'The machine is off.';
  return plan.stopsMachine ? 'The machine is switched off for it, as by a power cut.' : 'The machine runs on meanwhile.';
}

/** Names in a sentence: “a”, “b” and “c”; of many only the first ones and how many more. */
export function listNames(names: readonly string[], max = 4): string {
  const quoted = names.map((name) => `“${name}”`);
  if (quoted.length > max) return `${quoted.slice(0, max - 1).join(', ')} and ${quoted.length - max + 1} more`;
  const last = quoted.at(-1) ?? 'none';
  return quoted.length < 2 ? last : `${quoted.slice(0, -1).join(', ')} and ${last}`;
}
