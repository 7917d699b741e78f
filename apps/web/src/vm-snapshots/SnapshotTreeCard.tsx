'use client';
import { GitBranch } from 'lucide-react';
import { useRef } from 'react';
import type { MachineView, SnapshotTreeView } from '../machines/use-live-machine';
import { Section } from '../ui/Facts';
import { EmptyState } from '../ui/Notice';
import type { DeleteSubject } from './delete-wish';
import { RetainedLayers } from './RetainedLayers';
import { SelectionBar } from './SelectionBar';
import { SnapshotTree } from './SnapshotTree';
import { SnapshotTreeAside } from './SnapshotTreeAside';
import type { Several } from './use-several';

type CardProps = {
  machine: MachineView;
  tree: SnapshotTreeView;
  shownId: string | null;
  chosenId: string | null;
  several: Several;
  onChoose: (id: string) => void;
  onOpen: () => void;
  onDelete: (subject: DeleteSubject) => void;
};

/** The tree itself, with its space, what can be done with many at once, and the layers that it only retains. */
export function SnapshotTreeCard({ machine, tree, shownId, chosenId, several, onChoose, onOpen, onDelete }: CardProps) {
  const list = useRef<HTMLDivElement>(null);
  const askDelete = (ids: readonly string[]) => onDelete({ kind: 'chosen', ids });
  const showCurrent = () => {
    if (tree.currentId !== null) onChoose(tree.currentId);
    const item = list.current?.querySelector<HTMLElement>('[aria-current]');
    item?.scrollIntoView({ block: 'center' });
    item?.focus({ preventScroll: true });
  };
  return (
    <div ref={list}>
      <Section
        title="Snapshots"
        aside={<SnapshotTreeAside machine={machine} tree={tree} onShowCurrent={showCurrent} onSelect={several.begin} onDelete={onDelete} />}
        className="overflow-hidden"
      >
        {several.isSelecting && <SelectionBar tree={tree} several={several} onDelete={askDelete} />}
        {tree.nodes.size === 0 ? (
          <NoSnapshots isDestroyed={machine.state === 'DESTROYED'} />
        ) : (
          <SnapshotTree
            tree={tree}
            head={machine.snapshotTree.head}
            label={`Snapshots of ${machine.name}`}
            shownId={shownId}
            chosenId={chosenId}
            selection={several.selection}
            isSelecting={several.isSelecting}
            onChoose={onChoose}
            onSelect={several.select}
            onOpen={onOpen}
            onDelete={askDelete}
          />
        )}
        <RetainedLayers layers={machine.snapshotTree.retainedLayers} tree={tree} />
      </Section>
    </div>
  );
}

function NoSnapshots({ isDestroyed }: { isDestroyed: boolean }) {
  if (isDestroyed) {
    return (
      <EmptyState icon={<GitBranch size={20} aria-hidden />} title="The machine was destroyed">
        Its snapshots went with it. What was done to it stays in its operations and its activity.
      </EmptyState>
    );
  }
  return (
    <EmptyState icon={<GitBranch size={20} aria-hidden />} title="No snapshots yet">
      A snapshot keeps this moment of the machine’s disks. Take one before you change something that you may want to undo.
    </EmptyState>
  );
}
