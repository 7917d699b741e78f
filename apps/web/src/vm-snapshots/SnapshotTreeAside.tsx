'use client';
import { Eraser, ListChecks, MapPin, MoreHorizontal, Trash2 } from 'lucide-react';
import type { MachineView, SnapshotTreeView } from '../machines/use-live-machine';
import { whyNoneOf } from '../operations/availability';
import { Button, IconButton } from '../ui/Button';
import { formatBytes } from '../ui/format';
import { Menu } from '../ui/Menu';
import type { DeleteSubject } from './delete-wish';

/** From so many snapshots on, the current one may be out of sight. */
const LONG_TREE = 12;

type AsideProps = {
  machine: MachineView;
  tree: SnapshotTreeView;
  onShowCurrent: () => void;
  onSelect: () => void;
  onDelete: (subject: DeleteSubject) => void;
};

/** What stands beside the tree's title: its space, the way to the current one, and what can be done with many at once. */
export function SnapshotTreeAside({ machine, tree, onShowCurrent, onSelect, onDelete }: AsideProps) {
  if (tree.nodes.size === 0) return null;
  const whyNoDelete = whyNoneOf([...tree.nodes.values()], 'DELETE_VM_SNAPSHOT');
  return (
    <>
      <SpaceSummary machine={machine} />
      {tree.nodes.size > LONG_TREE && tree.currentId !== null && (
        <Button look="quiet" icon={<MapPin size={14} aria-hidden />} onClick={onShowCurrent}>
          Show current
        </Button>
      )}
      <Menu
        trigger={
          <IconButton label="More about all snapshots" className="-mr-2">
            <MoreHorizontal size={16} aria-hidden />
          </IconButton>
        }
        groups={[
          [{ label: 'Choose several', icon: <ListChecks size={15} aria-hidden />, onChoose: onSelect }],
          [
            {
              label: 'Free space…',
              icon: <Eraser size={15} aria-hidden />,
              unavailableBecause: whyNoDelete,
              onChoose: () => onDelete({ kind: 'free' }),
            },
            {
              label: 'Delete all…',
              icon: <Trash2 size={15} aria-hidden />,
              isDanger: true,
              unavailableBecause: whyNoDelete,
              onChoose: () => onDelete({ kind: 'all' }),
            },
          ],
        ]}
      />
    </>
  );
}

function SpaceSummary({ machine }: { machine: MachineView }) {
  const { exclusiveBytes, sharedBytes, retainedBytes } = machine.snapshotTree.space;
  const parts = [
    sharedBytes > 0 ? `${formatBytes(sharedBytes)} shared` : '',
    retainedBytes > 0 ? `${formatBytes(retainedBytes)} retained` : '',
  ].filter(Boolean);
  return (
    <p className="figures text-[12.5px]" title="Space that the snapshots of this machine take">
      {formatBytes(exclusiveBytes + sharedBytes + retainedBytes)} in all
      {parts.length > 0 && <span className="max-sm:hidden"> · {parts.join(' · ')}</span>}
    </p>
  );
}
