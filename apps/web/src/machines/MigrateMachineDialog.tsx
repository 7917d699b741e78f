'use client';
import { ArrowRightLeft } from 'lucide-react';
import { useState } from 'react';
import type { MigrateMachineDialog_LoadQuery } from '../../generated/graphql';
import { useLoad } from '../graphql/use-load';
import { useSubmission } from '../graphql/use-submission';
import { ActionDialog } from '../operations/ActionDialog';
import { Choice } from '../ui/Field';
import { Notice } from '../ui/Notice';
import { SkeletonRows } from '../ui/Skeleton';
import { loadTargets, migrateMachine } from './machine-actions.graphql';
import type { MachineView } from './use-live-machine';
import { whyNoTarget } from './migration-target';

/** The API gives at most 100 a page; an installation with more hosts moves machines by the API. */
const HOSTS_MAX = 100;

type Host = MigrateMachineDialog_LoadQuery['hosts']['nodes'][number];

/** Moves a machine to another host; for administrators. */
export function MigrateMachineDialog({ machine, onClose }: { machine: MachineView; onClose: () => void }) {
  const [hostId, setHostId] = useState<string | null>(null);
  const { data, problem } = useLoad({ document: loadTargets, variables: { first: HOSTS_MAX } });
  const submission = useSubmission({ document: migrateMachine, read: (answer) => answer.migrateVirtualMachine.errors });
  const hosts = data?.hosts.nodes ?? [];
  const isRunning = machine.powerState !== 'OFF';
  const chosen = hosts.find(({ id }) => id === hostId);
  return (
    <ActionDialog
      title={`Migrate ${machine.name}`}
      description={isRunning ? 'The guest runs on while it moves. Its disks stay where they are.' : 'Its disks stay where they are.'}
      errors={submission.errors}
      submission={submission}
      confirm={{
        label: chosen ? `Migrate to ${chosen.name}` : 'Migrate',
        icon: <ArrowRightLeft size={15} aria-hidden />,
        unavailableBecause: chosen ? whyNoTarget(chosen, machine.host) : 'Choose a host first.',
      }}
      onSubmit={async () => {
        if (chosen && (await submission.submit({ virtualMachineId: machine.id, hostId: chosen.id })).isDone) onClose();
      }}
      onClose={onClose}
    >
      {problem && <Notice kind="error">{problem.message}</Notice>}
      {!data && !problem && <SkeletonRows label="Loading the hosts" rows={2} />}
      {data && <Hosts hosts={hosts} machine={machine} hostId={hostId} onChoose={setHostId} />}
    </ActionDialog>
  );
}

type HostsProps = { hosts: readonly Host[]; machine: MachineView; hostId: string | null; onChoose: (id: string) => void };

function Hosts({ hosts, machine, hostId, onChoose }: HostsProps) {
  return (
    <fieldset className="space-y-2.5">
      <legend className="mb-1 font-medium">To which host</legend>
      {hosts.map((host) => (
        <Choice
          key={host.id}
          type="radio"
          name="host"
          label={host.name}
          note={host.cluster?.name}
          unavailableBecause={whyNoTarget(host, machine.host)}
          checked={host.id === hostId}
          onChange={() => onChoose(host.id)}
        />
      ))}
    </fieldset>
  );
}
