import { Layers } from 'lucide-react';
import type { MachineView, SnapshotTreeView } from '../machines/use-live-machine';
import { listNames } from '../operations/plan-words';
import { formatBytes, formatCount } from '../ui/format';

type Retained = MachineView['snapshotTree']['retainedLayers'];

/** Layers that no snapshot names any more but that several branches still read: why space is taken that no snapshot shows. */
export function RetainedLayers({ layers, tree }: { layers: Retained; tree: SnapshotTreeView }) {
  if (layers.length === 0) return null;
  return (
    <details open className="group border-t border-line px-4 py-2.5">
      <summary className="flex items-center gap-2 rounded text-ink-soft">
        <Layers size={14} aria-hidden className="text-ink-faint" />
        {formatCount(layers.length, 'retained layer')}
        <span className="figures ml-auto text-ink-soft">{formatBytes(layers.reduce((sum, layer) => sum + layer.bytes, 0))}</span>
      </summary>
      <p className="mt-1.5 text-[12.5px] text-ink-faint">
        No snapshot names these any more, but several branches still read them. Each is merged as soon as one branch is left.
      </p>
      <ul aria-label="Retained layers" className="figures mt-1.5 space-y-1">
        {layers.map((layer) => (
          <li key={`${layer.volume.id}-${layer.readBy.map(({ id }) => id).join()}`} className="flex gap-3">
            <span className="font-mono text-[13px]">{layer.volume.target ?? layer.volume.name}</span>
            <span className="min-w-0 flex-1 text-ink-soft">{sayReaders(layer.readBy, tree)}</span>
            <span className="text-ink-soft">{formatBytes(layer.bytes)}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** The present state reads a layer without a name of its own, so a layer may have one named reader, or none. */
function sayReaders(readBy: Retained[number]['readBy'], tree: SnapshotTreeView): string {
  const order = [...tree.nodes.keys()];
  const names = readBy.toSorted((a, b) => order.indexOf(a.id) - order.indexOf(b.id)).map(({ name }) => name);
  if (names.length === 0) return 'read by the present state';
  return `read by ${listNames(names)}${names.length === 1 ? ' and the present state' : ''}`;
}
