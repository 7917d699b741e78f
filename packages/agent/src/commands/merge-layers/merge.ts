import type { CommandBody, LeftBehind } from '@coppice/protocol';
import { CommandCancelled, CommandProblem, HypervisorLost } from '../../failure.js';
import type { CommandContext } from '../context.js';

/** One layer with its path. */
export interface MergedLayer {
  readonly pool: string;
  readonly fileName: string;
  readonly format: 'qcow2' | 'raw';
  readonly path: string;
}

/** A merge-layers, or a flatten-layer as the merge that it is, with paths. See protocol/src/commands/merge-layers.ts for the fields. */
export interface Merge {
  readonly machineUuid: string;
  readonly volumeId: string;
  readonly how: 'LIVE' | 'OFFLINE';
  readonly target: string | null;
  readonly above: readonly MergedLayer[];
  readonly chain: readonly MergedLayer[];
  readonly runLength: number;
  readonly into: number;
  /** Everything written directly over the reader, the one in the machine's own chain included. */
  readonly readers: readonly MergedLayer[];
  readonly bytesPerSecond: number | null;
}

/** How far a merge has come, for what it leaves if it ends early. */
export interface Stage {
  left: LeftBehind;
}

type Link = Pick<MergedLayer, 'pool' | 'fileName' | 'format'>;

/** Names to paths. Throws POOL_UNSUPPORTED or IO_ERROR, and INTERNAL for a run that is none. */
export async function planMerge(
  body: Omit<Extract<CommandBody, { verb: 'merge-layers' }>, 'verb'>,
  { pools, settings }: CommandContext,
): Promise<Merge> {
  const { machineUuid, volumeId, how, target, runLength, into } = body;
  if (runLength > body.chain.length || into >= runLength)
    throw new Error(`a run of ${runLength} into ${into} is not in a chain of ${body.chain.length}`);
  const withPath = async (link: Link): Promise<MergedLayer> => ({ ...link, path: await pools.pathOf(link.pool, link.fileName) });
  const all = async (links: readonly Link[]) => Promise.all(links.map(withPath));
  const above = target === null ? [] : await all(body.above);
  const readers = await all(body.readers);
  const next = above.at(-1);
  if (next !== undefined && !readers.some(({ path }) => path === next.path)) readers.push(next);
  const bytesPerSecond = slower(body.bytesPerSecond, settings.mergeBytesPerSecond);
  return { machineUuid, volumeId, how, target, above, chain: await all(body.chain), runLength, into, readers, bytesPerSecond };
}

/** Null is as fast as it goes. */
function slower(asked: number | null, allowed: number | null): number | null {
  return asked === null || allowed === null ? (asked ?? allowed) : Math.min(asked, allowed);
}

/** The layer that the whole run becomes. */
export function targetOf(merge: Merge): MergedLayer {
  return at(merge.chain, merge.into);
}

/** The layer whose view the target is to have. */
export function readerOf(merge: Merge): MergedLayer {
  return at(merge.chain, 0);
}

/** What the target is over at the end; nothing for a run that goes down to the root. */
export function belowOf(merge: Merge): MergedLayer | undefined {
  return merge.chain[merge.runLength];
}

/** Whether anything is written into a layer that others may have been reading. */
export function hasCommit(merge: Merge): boolean {
  return merge.into > 0;
}

/** Whether anything below the target has to be copied into it. */
export function hasPull(merge: Merge): boolean {
  return merge.into < merge.runLength - 1;
}

/** The machine writes the reader itself, so the merge may exchange its disk. */
export function isHead(merge: Merge): boolean {
  return merge.target !== null && merge.above.length === 0;
}

/** The error with what the merge leaves; a sentence that nothing was changed is replaced where it is not true any more. */
export function leaving(error: unknown, left: LeftBehind): unknown {
  if (left === 'NOTHING' || error instanceof HypervisorLost || error instanceof CommandCancelled) return error;
  const what = {
    SPOILED: 'The layer that is merged into holds a part of those above it and reads as nothing; the layer above is whole.',
    REPOINTED: 'The copy is done and is being put in its place; the content is whole.',
  }[left];
  const hint = 'Retry: only going on with the merge is possible now.';
  if (!(error instanceof CommandProblem))
    return new CommandProblem({
      code: 'INTERNAL',
      retryable: true,
      message: `A merge met an unknown error. ${what}`,
      hint,
      cause: error,
      left,
    });
  const message = `${error.message.replace(/ Nothing was (changed|copied)\.$/, '')} ${what}`;
  return new CommandProblem({ code: error.code, retryable: error.retryable, message, cause: error.cause, left, hint: error.hint ?? hint });
}

function at(layers: readonly MergedLayer[], index: number): MergedLayer {
  const layer = layers[index];
  if (layer === undefined) throw new Error(`the run has no layer ${index}`);
  return layer;
}
