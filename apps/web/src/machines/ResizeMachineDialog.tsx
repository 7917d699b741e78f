'use client';
import { SlidersHorizontal } from 'lucide-react';
import { useState } from 'react';
import { useSubmission } from '../graphql/use-submission';
import { ActionDialog } from '../operations/ActionDialog';
import { listNames } from '../operations/plan-words';
import { elsewhere, messageAt } from '../operations/refusals';
import { AmountField, TextField } from '../ui/Field';
import { Notice } from '../ui/Notice';
import { resizeMachine } from './machine-actions.graphql';
import { toMebibytes, toMemoryBytes, toVcpus } from './machine-size';
import type { MachineView } from './use-live-machine';

/** Changes processors and memory; says beforehand which memory images that costs. */
export function ResizeMachineDialog({ machine, onClose }: { machine: MachineView; onClose: () => void }) {
  const [vcpusText, setVcpus] = useState(String(machine.vcpus));
  const [memoryText, setMemory] = useState(toMebibytes(machine.memoryBytes));
  const submission = useSubmission({ document: resizeMachine, read: (data) => data.resizeVirtualMachine.errors });
  const vcpus = toVcpus(vcpusText);
  const memoryBytes = toMemoryBytes(memoryText);
  const withMemory = machine.snapshotTree.nodes.filter(({ kind }) => kind === 'DISK_AND_MEMORY').map(({ name }) => name);
  const isSame = vcpus === machine.vcpus && memoryBytes === machine.memoryBytes;
  const errorAt = (field: string) => messageAt(submission.errors, field);
  return (
    <ActionDialog
      title={`Resize ${machine.name}`}
      errors={elsewhere(submission.errors, ['vcpus', 'memoryBytes'])}
      submission={submission}
      confirm={{
        label: 'Resize',
        icon: <SlidersHorizontal size={15} aria-hidden />,
        unavailableBecause:
          vcpus === null || memoryBytes === null ? 'Both must be whole numbers.' : isSame ? 'That is its size already.' : undefined,
      }}
      onSubmit={async () => {
        if ((await submission.submit({ virtualMachineId: machine.id, vcpus, memoryBytes })).isDone) onClose();
      }}
      onClose={onClose}
    >
      <TextField
        label="Processors"
        inputMode="numeric"
        autoComplete="off"
        value={vcpusText}
        onChange={(event) => setVcpus(event.target.value)}
        error={errorAt('vcpus')}
      />
      <AmountField
        label="Memory"
        amount={memoryText}
        unit="MiB"
        units={['MiB']}
        onAmountChange={setMemory}
        onUnitChange={() => undefined}
        error={errorAt('memoryBytes')}
      />
      {withMemory.length > 0 && !isSame && (
        <Notice kind="warning" title="Memory images go">
          A machine of another size cannot go on from them. {listNames(withMemory)} {withMemory.length === 1 ? 'keeps its' : 'keep their'}{' '}
          disks only.
        </Notice>
      )}
    </ActionDialog>
  );
}
