import { Layers } from 'lucide-react';
import type { MachineView } from '../machines/use-live-machine';
import { formatBytes } from '../ui/format';

type Retained = MachineView['snapshotTree']['retainedLayers'];

/** Layers that no snapshot names any more but that several branches still read: why space is taken that no snapshot shows. */
export function RetainedLayers({ layers }: { layers: Retained }) {
  if (layers.length === 0) return null;
  return (
    <details className="border-t border-line px-4 py-2.5">
      <summary className="flex items-center gap-2 rounded text-ink-soft">
        <Layers size={14} aria-hidden className="text-ink-faint" />
        Retained layers
        <span className="figures ml-auto text-ink-faint">{formatBytes(layers.reduce((sum, layer) => sum + layer.bytes, 0))}</span>
      </summary>
      <p className="mt-2 text-[12.5px] text-ink-faint">
        No snapshot names these any more, but several branches still read them. They go when one branch is left.
      </p>
      <ul className="figures mt-2 space-y-1.5">
        {layers.map((layer) => (
          <li key={`${layer.volume.id}-${layer.readBy.map(({ id }) => id).join()}`} className="flex gap-3">
            <span className="font-mono text-[13px]">{layer.volume.target ?? layer.volume.name}</span>
            <span className="min-w-0 flex-1 text-ink-soft">read by {layer.readBy.map(({ name }) => name).join(', ')}</span>
            <span>{formatBytes(layer.bytes)}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
