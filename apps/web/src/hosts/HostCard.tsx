import { Check, Minus } from 'lucide-react';
import type { HostState, HostsPage_LoadQuery } from '../../generated/graphql';
import { Badge, type Tone } from '../ui/Badge';
import { Fact, Facts } from '../ui/Facts';
import { TimeAgo } from '../ui/TimeAgo';

type HostView = HostsPage_LoadQuery['hosts']['nodes'][number];

const STATES: Record<HostState, { label: string; tone: Tone }> = {
  ENROLLED: { label: 'Not seen yet', tone: 'plain' },
  UP: { label: 'Up', tone: 'good' },
  DISCONNECTED: { label: 'Not connected', tone: 'bad' },
  MAINTENANCE: { label: 'In maintenance', tone: 'warn' },
  REVOKED: { label: 'Revoked', tone: 'plain' },
};

/** One host: whether it is there, its versions, and what it can do or why not. */
export function HostCard({ host }: { host: HostView }) {
  const state = host.state ? STATES[host.state] : undefined;
  return (
    <li className="card space-y-3 p-4">
      <div className="flex items-center gap-2">
        <h2 className="truncate text-[15px] font-semibold">{host.name}</h2>
        {state && (
          <Badge tone={state.tone} hasDot>
            {state.label}
          </Badge>
        )}
        {host.lastSeenAt && host.state !== 'UP' && (
          <span className="ml-auto text-[12.5px] text-ink-faint">
            seen <TimeAgo at={host.lastSeenAt} />
          </span>
        )}
      </div>
      <Facts>
        {host.cluster && (
          <Fact name="Cluster">
            {host.cluster.name} <span className="text-ink-faint">in {host.cluster.zone.name}</span>
          </Fact>
        )}
        <Fact name="Agent">{host.agentVersion ?? '–'}</Fact>
        <Fact name="libvirt">{host.libvirtVersion ?? '–'}</Fact>
        <Fact name="QEMU">{host.qemuVersion ?? '–'}</Fact>
      </Facts>
      {host.capabilities && host.capabilities.length > 0 && (
        <ul className="space-y-1 border-t border-line pt-3">
          {host.capabilities.map((capability) => (
            <Capability key={capability.name} capability={capability} />
          ))}
        </ul>
      )}
    </li>
  );
}

function Capability({ capability }: { capability: NonNullable<HostView['capabilities']>[number] }) {
  const isOn = capability.available && capability.enabled;
  const reason = capability.reason ?? (capability.available ? 'Switched off.' : null);
  return (
    <li className="flex gap-2">
      {isOn ? (
        <Check size={14} aria-label="Yes" className="mt-1 shrink-0 text-good" />
      ) : (
        <Minus size={14} aria-label="No" className="mt-1 shrink-0 text-ink-faint" />
      )}
      <span className={isOn ? undefined : 'text-ink-faint'}>
        {capability.name}
        {!isOn && reason !== null && <span className="block text-[12.5px]">{reason}</span>}
      </span>
    </li>
  );
}
