/** Which row the keyboard leads to, after the tree pattern of the ARIA Authoring Practices. Pure. */
import type { TreeRow } from './tree-layout';

/**
 * The snapshot that `key` leads to from `fromId`; undefined where the key is none of the tree's, or leads nowhere. Up and down go along the
 * rows, left to the parent, right to the first child. Every branch is always open, so left and right never fold anything.
 */
export function nextByKey(rows: readonly TreeRow[], fromId: string, key: string): string | undefined {
  const items = rows.flatMap((row) => (row.snapshotId === null ? [] : [{ ...row, id: row.snapshotId }]));
  const index = items.findIndex((item) => item.id === fromId);
  const at = items[index];
  if (!at) return undefined;
  switch (key) {
    case 'ArrowDown':
      return items[index + 1]?.id;
    case 'ArrowUp':
      return items[index - 1]?.id;
    case 'ArrowLeft':
      return items.find((item) => item.id === at.parentId)?.id;
    case 'ArrowRight':
      return items.find((item) => item.parentId === at.id)?.id;
    case 'Home':
      return items[0]?.id;
    case 'End':
      return items.at(-1)?.id;
    default:
      return undefined;
  }
}
