'use client';
import type { MachineView, SnapshotTreeView } from '../machines/use-live-machine';
import { CloneDialog } from './CloneDialog';
import type { DeleteSubject } from './delete-wish';
import { DeleteSnapshotsDialog } from './DeleteSnapshotsDialog';
import { EditSnapshotDialog } from './EditSnapshotDialog';
import { RevertDialog } from './RevertDialog';
import { TemplateDialog } from './TemplateDialog';

/** What the visitor was asked about last. */
export type Asked = { kind: 'delete'; subject: DeleteSubject } | { kind: 'revert' | 'edit' | 'clone' | 'template'; id: string };

type DialogsProps = { machine: MachineView; tree: SnapshotTreeView; asked: Asked | null; onClose: () => void; onDeleted: () => void };

/**
 * The dialogs about snapshots. They hang neither in the details nor in a row: these come and go with the width of the window and with what
 * others do to the tree, and an open question must outlive that.
 */
export function SnapshotDialogs({ machine, tree, asked, onClose, onDeleted }: DialogsProps) {
  if (asked === null) return null;
  if (asked.kind === 'delete') {
    return <DeleteSnapshotsDialog machine={machine} tree={tree} subject={asked.subject} onClose={onClose} onDone={onDeleted} />;
  }
  const snapshot = tree.nodes.get(asked.id);
  if (!snapshot) return null;
  if (asked.kind === 'revert') return <RevertDialog machine={machine} tree={tree} snapshot={snapshot} onClose={onClose} />;
  if (asked.kind === 'clone') return <CloneDialog machine={machine} snapshot={snapshot} onClose={onClose} />;
  if (asked.kind === 'template') return <TemplateDialog machine={machine} snapshot={snapshot} onClose={onClose} />;
  return <EditSnapshotDialog snapshot={snapshot} onClose={onClose} />;
}
