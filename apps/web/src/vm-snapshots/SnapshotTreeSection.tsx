'use client';
import { type ReactNode, useCallback, useState } from 'react';
import type { MachineView, SnapshotTreeView } from '../machines/use-live-machine';
import { classNames } from '../ui/class-names';
import { Dialog, DialogBody } from '../ui/Dialog';
import { Section } from '../ui/Facts';
import { useMediaQuery } from '../ui/use-media-query';
import { chooseShown } from './choose-shown';
import { SnapshotDetails } from './SnapshotDetails';
import { type Asked, SnapshotDialogs } from './SnapshotDialogs';
import { SnapshotTreeCard } from './SnapshotTreeCard';
import { useSeveral } from './use-several';

type SectionProps = { machine: MachineView; tree: SnapshotTreeView; below: ReactNode };

/** The tree with what stands below it, and beside both (on a narrow screen over them) the details of the chosen snapshot. */
export function SnapshotTreeSection({ machine, tree, below }: SectionProps) {
  const [chosenId, setChosenId] = useState<string | null>(null);
  const [isSheetOpen, setSheetOpen] = useState(false);
  const [asked, setAsked] = useState<Asked | null>(null);
  const several = useSeveral(tree);
  const isWide = useMediaQuery('(min-width: 64rem)');
  const shown = chooseShown(tree, chosenId);
  const choose = useCallback((id: string) => setChosenId(id), []);
  const details = shown && <SnapshotDetails key={shown.id} snapshot={shown} isCurrent={tree.currentId === shown.id} onAsk={setAsked} />;
  return (
    <div
      className={classNames(
        'grid grid-cols-[minmax(0,1fr)] items-start gap-4',
        shown && 'lg:grid-cols-[minmax(0,1fr)_23rem] xl:grid-cols-[minmax(0,1fr)_26rem]',
      )}
    >
      <div className="min-w-0 space-y-4">
        <SnapshotTreeCard
          machine={machine}
          tree={tree}
          shownId={shown?.id ?? null}
          chosenId={chosenId}
          several={several}
          onChoose={choose}
          onOpen={() => setSheetOpen(true)}
          onDelete={(subject) => setAsked({ kind: 'delete', subject })}
        />
        {below}
      </div>
      {details && (
        <DetailsPlace isSheetOpen={isSheetOpen} onSheetChange={setSheetOpen} isWide={isWide}>
          {details}
        </DetailsPlace>
      )}
      <SnapshotDialogs
        machine={machine}
        tree={tree}
        asked={asked}
        onClose={() => setAsked(null)}
        onDeleted={() => {
          several.end();
          setSheetOpen(false);
        }}
      />
    </div>
  );
}

type PlaceProps = { isWide: boolean; isSheetOpen: boolean; onSheetChange: (isOpen: boolean) => void; children: ReactNode };

/** Beside the tree where there is room, else in a sheet over it. */
function DetailsPlace({ isWide, isSheetOpen, onSheetChange, children }: PlaceProps) {
  if (!isWide) {
    return (
      <Dialog title="Snapshot" shape="sheet" isOpen={isSheetOpen} onOpenChange={onSheetChange}>
        <DialogBody className="!p-0">{children}</DialogBody>
      </Dialog>
    );
  }
  return (
    <div className="sticky top-18 max-h-[calc(100dvh-5.5rem)] overflow-y-auto rounded-[10px]">
      <Section title="Details">{children}</Section>
    </div>
  );
}
