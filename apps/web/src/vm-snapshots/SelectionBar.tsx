'use client';
import { Trash2 } from 'lucide-react';
import type { SnapshotTreeView } from '../machines/use-live-machine';
import { whyNoneOf } from '../operations/availability';
import { Button } from '../ui/Button';
import { formatBytes, formatCount } from '../ui/format';
import { sizeOf } from './snapshot-words';
import type { Several } from './use-several';

type BarProps = { tree: SnapshotTreeView; several: Several; onDelete: (ids: readonly string[]) => void };

/** How many snapshots are chosen, and what can be done with all of them. */
export function SelectionBar({ tree, several, onDelete }: BarProps) {
  const nodes = [...several.selection.ids].flatMap((id) => tree.nodes.get(id) ?? []);
  const bytes = nodes.reduce((sum, node) => sum + sizeOf(node), 0);
  const whyNoDelete = nodes.length === 0 ? 'Choose snapshots in the tree first.' : whyNoneOf(nodes, 'DELETE_VM_SNAPSHOT');
  return (
    <div className="flex flex-wrap items-center gap-2 border-b border-line bg-accent-soft px-4 py-2">
      <p role="status" className="figures min-w-0 flex-1">
        {nodes.length === 0 ? 'Choose snapshots below' : `${formatCount(nodes.length, 'snapshot')} chosen`}
        {nodes.length > 0 && <span className="text-ink-soft max-sm:hidden">, {formatBytes(bytes)}</span>}
      </p>
      <Button icon={<Trash2 size={14} aria-hidden />} unavailableBecause={whyNoDelete} onClick={() => onDelete(nodes.map(({ id }) => id))}>
        Delete these…
      </Button>
      <Button look="quiet" onClick={several.end}>
        Done
      </Button>
    </div>
  );
}
