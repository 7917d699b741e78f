'use client';
import { ArrowRightLeft, Camera, EllipsisVertical, Play, PlugZap, Power, SlidersHorizontal, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useSubmission } from '../graphql/use-submission';
import { whyNot } from '../operations/availability';
import { RefusalNotices } from '../operations/RefusalNotices';
import { Button, IconButton } from '../ui/Button';
import { Menu, type MenuItem } from '../ui/Menu';
import { Notice } from '../ui/Notice';
import { TakeSnapshotDialog } from '../vm-snapshots/TakeSnapshotDialog';
import { AttachVolumeDialog } from '../volumes/AttachVolumeDialog';
import { DestroyMachineDialog } from './DestroyMachineDialog';
import { MigrateMachineDialog } from './MigrateMachineDialog';
import { ResizeMachineDialog } from './ResizeMachineDialog';
import { StopMachineDialog } from './StopMachineDialog';
import { startMachine } from './machine-actions.graphql';
import type { MachineView } from './use-live-machine';

const DIALOGS = {
  take: TakeSnapshotDialog,
  stop: StopMachineDialog,
  resize: ResizeMachineDialog,
  migrate: MigrateMachineDialog,
  attach: AttachVolumeDialog,
  destroy: DestroyMachineDialog,
} as const;
type Asked = keyof typeof DIALOGS;

/** What can be done with a machine; each says why where it cannot be done now. */
export function MachineButtons({ machine }: { machine: MachineView }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const start = useSubmission({ document: startMachine, read: (data) => data.startVirtualMachine.errors });
  const Dialog = asked === null ? null : DIALOGS[asked];
  return (
    <>
      <div className="ml-auto flex flex-wrap items-center justify-end gap-2 max-sm:w-full">
        {machine.powerState === 'OFF' ? (
          <Button
            icon={<Play size={14} aria-hidden />}
            unavailableBecause={whyNot(machine.actions, 'START')}
            isBusy={start.isBusy}
            onClick={() => void start.submit({ virtualMachineId: machine.id })}
          >
            Start
          </Button>
        ) : (
          <Button
            icon={<Power size={14} aria-hidden />}
            unavailableBecause={whyNot(machine.actions, 'STOP')}
            onClick={() => setAsked('stop')}
          >
            Stop…
          </Button>
        )}
        <Button
          look="primary"
          icon={<Camera size={15} aria-hidden />}
          unavailableBecause={whyNot(machine.actions, 'CREATE_VM_SNAPSHOT')}
          onClick={() => setAsked('take')}
          className="max-sm:flex-1"
        >
          Take snapshot
        </Button>
        <Menu
          trigger={
            <IconButton label="More about this machine" className="border border-line-strong bg-surface">
              <EllipsisVertical size={16} aria-hidden />
            </IconButton>
          }
          groups={menuOf(machine, setAsked)}
        />
      </div>
      {(start.problem || start.errors.length > 0) && (
        <div className="w-full space-y-2">
          {start.problem && <Notice kind="error">{start.problem.message}</Notice>}
          <RefusalNotices errors={start.errors} />
        </div>
      )}
      {Dialog && <Dialog machine={machine} onClose={() => setAsked(null)} />}
    </>
  );
}

function menuOf(machine: MachineView, ask: (asked: Asked) => void): MenuItem[][] {
  const { actions } = machine;
  return [
    [
      {
        label: 'Resize…',
        icon: <SlidersHorizontal size={15} aria-hidden />,
        unavailableBecause: whyNot(actions, 'RESIZE'),
        onChoose: () => ask('resize'),
      },
      {
        label: 'Migrate…',
        icon: <ArrowRightLeft size={15} aria-hidden />,
        unavailableBecause: whyNot(actions, 'MIGRATE'),
        onChoose: () => ask('migrate'),
      },
      {
        label: 'Attach a volume…',
        icon: <PlugZap size={15} aria-hidden />,
        unavailableBecause: whyNot(actions, 'ATTACH_VOLUME'),
        onChoose: () => ask('attach'),
      },
    ],
    [
      {
        label: 'Destroy…',
        icon: <Trash2 size={15} aria-hidden />,
        isDanger: true,
        unavailableBecause: whyNot(actions, 'DESTROY'),
        onChoose: () => ask('destroy'),
      },
    ],
  ];
}
