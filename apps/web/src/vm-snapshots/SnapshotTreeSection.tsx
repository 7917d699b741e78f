'use client';
import { GitBranch, MapPin } from 'lucide-react';
import { type ReactNode, useRef, useState } from 'react';
import type { MachineView, SnapshotTreeView } from '../machines/use-live-machine';
import { Button } from '../ui/Button';
import { classNames } from '../ui/class-names';
import { Dialog, DialogBody } from '../ui/Dialog';
import { Section } from '../ui/Facts';
import { formatBytes } from '../ui/format';
import { EmptyState } from '../ui/Notice';
import { useMediaQuery } from '../ui/use-media-query';
import { chooseShown } from './choose-shown';
import { RetainedLayers } from './RetainedLayers';
import { SnapshotDetails } from './SnapshotDetails';
import { SnapshotTree } from './SnapshotTree';

/** From so many snapshots on, the current one may be out of sight. */
const LONG_TREE = 12;

type PartProps = { machine: MachineView; tree: SnapshotTreeView };

/** The tree with what stands below it, and beside both (on a narrow screen over them) the details of the chosen snapshot. */
export function SnapshotTreeSection({ machine, tree, below }: PartProps & { below: ReactNode }) {
  const [chosenId, setChosenId] = useState<string | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const [isSheetOpen, setSheetOpen] = useState(false);
  const isWide = useMediaQuery('(min-width: 64rem)');
  const shown = chooseShown(tree, chosenId);
  const showCurrent = () => {
    setChosenId(tree.currentId);
    const item = list.current?.querySelector<HTMLElement>('[aria-current]');
    item?.scrollIntoView({ block: 'center' });
    item?.focus({ preventScroll: true });
  };
  return (
    <div
      className={classNames(
        'grid grid-cols-[minmax(0,1fr)] items-start gap-4',
        shown && 'lg:grid-cols-[minmax(0,1fr)_23rem] xl:grid-cols-[minmax(0,1fr)_26rem]',
      )}
    >
      <div ref={list} className="min-w-0 space-y-4">
        <Section title="Snapshots" aside={<Aside machine={machine} tree={tree} onShowCurrent={showCurrent} />} className="overflow-hidden">
          {tree.nodes.size === 0 ? (
            <EmptyState icon={<GitBranch size={20} aria-hidden />} title="No snapshots yet">
              A snapshot keeps this moment of the machine’s disks. Take one before you change something that you may want to undo.
            </EmptyState>
          ) : (
            <SnapshotTree
              tree={tree}
              head={machine.snapshotTree.head}
              label={`Snapshots of ${machine.name}`}
              shownId={shown?.id ?? null}
              onChoose={setChosenId}
              onOpen={() => setSheetOpen(true)}
            />
          )}
          <RetainedLayers layers={machine.snapshotTree.retainedLayers} />
        </Section>
        {below}
      </div>
      {isWide && shown && (
        <div className="sticky top-18 max-h-[calc(100dvh-5.5rem)] overflow-y-auto rounded-[10px]">
          <Section title="Details">
            <SnapshotDetails key={shown.id} snapshot={shown} isCurrent={tree.currentId === shown.id} />
          </Section>
        </div>
      )}
      {!isWide && shown && (
        <Dialog title="Snapshot" shape="sheet" isOpen={isSheetOpen} onOpenChange={setSheetOpen}>
          <DialogBody className="!p-0">
            <SnapshotDetails key={shown.id} snapshot={shown} isCurrent={tree.currentId === shown.id} />
          </DialogBody>
        </Dialog>
      )}
    </div>
  );
}

function Aside({ machine, tree, onShowCurrent }: PartProps & { onShowCurrent: () => void }) {
  return (
    <>
      <SpaceSummary machine={machine} tree={tree} />
      {tree.nodes.size > LONG_TREE && tree.currentId !== null && (
        <Button look="quiet" icon={<MapPin size={14} aria-hidden />} onClick={onShowCurrent}>
          Show current
        </Button>
      )}
    </>
  );
}

function SpaceSummary({ machine, tree }: PartProps) {
  if (tree.nodes.size === 0) return null;
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
