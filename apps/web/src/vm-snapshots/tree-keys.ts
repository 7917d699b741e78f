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

/** What a key asks of the tree. `isExtending`: with Shift, what is passed is chosen too. */
export type KeyIntent = { kind: 'go'; id: string; isExtending: boolean } | { kind: 'open' | 'toggle' | 'all' | 'none' | 'delete' };

type Pressed = { key: string; altKey: boolean; ctrlKey: boolean; metaKey: boolean; shiftKey: boolean };

/** What a key asks for at `fromId`; null where it is none of the tree's, so that the browser keeps it. */
export function keyIntent(rows: readonly TreeRow[], fromId: string, pressed: Pressed): KeyIntent | null {
  const { key } = pressed;
  if ((pressed.ctrlKey || pressed.metaKey) && !pressed.altKey && key.toLowerCase() === 'a') return { kind: 'all' };
  if (pressed.altKey || pressed.ctrlKey || pressed.metaKey) return null;
  switch (key) {
    case 'Enter':
      return { kind: 'open' };
    case ' ':
      return { kind: 'toggle' };
    case 'Escape':
      return { kind: 'none' };
    // A keyboard of a Mac has no other Delete than Backspace.
    case 'Delete':
    case 'Backspace':
      return { kind: 'delete' };
    default: {
      const id = nextByKey(rows, fromId, key);
      return id === undefined ? null : { kind: 'go', id, isExtending: pressed.shiftKey && key.startsWith('Arrow') };
    }
  }
}
