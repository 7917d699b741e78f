'use client';
import { Camera, ChevronLeft, Cpu, HardDrive, MemoryStick, Network, Plug, Server } from 'lucide-react';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { Badge } from '../ui/Badge';
import { formatBytes, formatCount } from '../ui/format';
import { MachineButtons } from './MachineButtons';
import { sayGuestAgent, sayMachineState } from './machine-words';
import type { MachineView } from './use-live-machine';

/** Name, state, what it is made of, and what can be done with it. */
export function MachineHeader({ machine, snapshotCount }: { machine: MachineView; snapshotCount: number }) {
  const state = sayMachineState(machine.state);
  return (
    <header className="space-y-2">
      <Link href="/machines" className="inline-flex items-center gap-1 rounded text-[12.5px] text-ink-faint hover:text-ink">
        <ChevronLeft size={14} aria-hidden />
        Machines
      </Link>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h1 className="text-xl font-semibold tracking-tight">{machine.name}</h1>
        <Badge tone={state.tone} hasDot>
          {state.label}
        </Badge>
        {(machine.state === 'SNAPSHOTTING' || machine.state === 'REVERTING') && machine.powerState === 'ON' && <Badge>Guest runs on</Badge>}
        <MachineButtons machine={machine} />
      </div>
      <ul className="figures flex flex-wrap gap-x-5 gap-y-1.5 text-ink-soft">
        {machine.project && (
          <Detail icon={<Network size={14} aria-hidden />} name="Project">
            {machine.project.name}
          </Detail>
        )}
        {machine.host && (
          <Detail icon={<Server size={14} aria-hidden />} name="Host">
            {machine.host.name}
            {machine.host.state === 'DISCONNECTED' && <span className="text-warn"> (not connected)</span>}
          </Detail>
        )}
        <Detail icon={<Cpu size={14} aria-hidden />} name="Processors">
          {formatCount(machine.vcpus, 'vCPU')}
        </Detail>
        <Detail icon={<MemoryStick size={14} aria-hidden />} name="Memory">
          {formatBytes(machine.memoryBytes)}
        </Detail>
        <Detail icon={<HardDrive size={14} aria-hidden />} name="Disks">
          {formatCount(machine.volumes.length, 'disk')}
        </Detail>
        <Detail icon={<Plug size={14} aria-hidden />} name="Guest agent">
          Guest agent: {sayGuestAgent(machine.guestAgent).toLowerCase()}
        </Detail>
        <Detail icon={<Camera size={14} aria-hidden />} name="Snapshots">
          {formatCount(snapshotCount, 'snapshot')}
        </Detail>
      </ul>
    </header>
  );
}

function Detail({ icon, name, children }: { icon: ReactNode; name: string; children: ReactNode }) {
  return (
    <li className="flex items-center gap-1.5" title={name}>
      <span className="text-ink-faint">{icon}</span>
      <span className="sr-only">{name}: </span>
      {children}
    </li>
  );
}
