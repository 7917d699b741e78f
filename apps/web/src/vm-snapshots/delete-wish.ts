/** What a visitor wants to delete, and what that is for the API. Pure. */
import type { DeleteVmSnapshotsInput } from '../../generated/graphql';
import type { TreeNode } from './tree-changes';
import { descendantsOf } from './tree-selection';

/** These ones, all of the machine, or those that free so much space. */
export type DeleteSubject = { kind: 'chosen'; ids: readonly string[] } | { kind: 'all' } | { kind: 'free' };

/** What the form holds: `amount` as typed, `unit` its factor in bytes. */
export type DeleteWish = { withDescendants: boolean; leavesLocked: boolean; amount: string; unit: SizeUnit };

export type SizeUnit = 'MiB' | 'GiB' | 'TiB';
const FACTORS: Record<SizeUnit, number> = { MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** An empty form. */
export const NO_DELETE_WISH: DeleteWish = { withDescendants: false, leavesLocked: false, amount: '', unit: 'MiB' };

/** Whether a menu's value is a unit that we know. */
export function isSizeUnit(value: string): value is SizeUnit {
  return value in FACTORS;
}

/** Bytes from a number as people type it; null where it is none, is not above zero, or is more than any pool holds. */
export function toBytes(amount: string, unit: SizeUnit): number | null {
  const value = Number(amount.trim().replace(',', '.'));
  const bytes = Math.round(value * FACTORS[unit]);
  return amount.trim() !== '' && Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null;
}

type Deletable = TreeNode & { name: string; locked: boolean };

/** The snapshots that would go, as far as the visitor has named them: of "free so much" the API chooses, so none. */
export function namedNodes<Node extends Deletable>(nodes: ReadonlyMap<string, Node>, subject: DeleteSubject, wish: DeleteWish): Node[] {
  if (subject.kind === 'free') return [];
  const roots = subject.kind === 'all' ? nodes.keys() : subject.ids;
  const ids = new Set(roots);
  if (subject.kind === 'chosen' && wish.withDescendants) for (const id of descendantsOf(nodes, subject.ids)) ids.add(id);
  const named = [...nodes.values()].filter(({ id }) => ids.has(id));
  return wish.leavesLocked ? named.filter(({ locked }) => !locked) : named;
}

/**
 * The API's input; null where nothing is named that could be deleted. Subtrees go by their roots alone: what was taken below one while the
 * dialog was open is deleted with it only if a new plan was agreed to.
 */
export function toDeleteInput(
  virtualMachineId: string,
  nodes: ReadonlyMap<string, Deletable>,
  { subject, wish }: { subject: DeleteSubject; wish: DeleteWish },
): DeleteVmSnapshotsInput | null {
  if (subject.kind === 'free') {
    const freeBytes = toBytes(wish.amount, wish.unit);
    return freeBytes === null ? null : { virtualMachineId, freeBytes };
  }
  const named = namedNodes(nodes, subject, wish);
  if (named.length === 0) return null;
  const isWhole = subject.kind === 'chosen' && wish.withDescendants && !wish.leavesLocked;
  const snapshotIds = isWhole ? subject.ids.filter((id) => nodes.has(id)) : named.map(({ id }) => id);
  return { virtualMachineId, snapshotIds, withDescendants: isWhole };
}
