'use client';
import { ServerOff } from 'lucide-react';
import type { HostsPage_LoadQuery } from '../../generated/graphql';
import { useLoad } from '../graphql/use-load';
import { useStream } from '../graphql/use-stream';
import { Section } from '../ui/Facts';
import { Button } from '../ui/Button';
import { formatBytes, formatCount, formatEnum } from '../ui/format';
import { EmptyState, FailedState } from '../ui/Notice';
import { SkeletonRows } from '../ui/Skeleton';
import { Badge } from '../ui/Badge';
import { HostCard } from './HostCard';
import { loadHosts, watchHosts } from './hosts.graphql';

/** The API gives at most 100 a page. */
const SHOWN_MAX = 100;

/** Hosts and storage pools, for administrators. */
export function HostsPage() {
  const { data, problem, reload } = useLoad({ document: loadHosts, variables: { first: SHOWN_MAX } });
  useStream({
    document: watchHosts,
    variables: {},
    from: data && { read: data, cursor: data.cursor },
    cursorOf: (event) => event.stateTransitions.cursor,
    onData: ({ stateTransitions: { event } }) => event && reload(),
    onGap: reload,
  });
  return (
    <div className="space-y-4">
      <div className="flex items-center gap-3">
        <h1 className="text-xl font-semibold tracking-tight">Hosts</h1>
        {data && <p className="figures text-ink-faint">{formatCount(data.hosts.totalCount, 'host')}</p>}
      </div>
      {data ? (
        <Content data={data} />
      ) : (
        <div className="card">
          {problem?.kind === 'failed' ? (
            <FailedState title="The hosts could not be read" action={<Button onClick={reload}>Try again</Button>}>
              {problem.message}
            </FailedState>
          ) : (
            <SkeletonRows label="Loading the hosts" />
          )}
        </div>
      )}
    </div>
  );
}

function Content({ data }: { data: HostsPage_LoadQuery }) {
  return (
    <>
      {data.hosts.nodes.length === 0 ? (
        <div className="card">
          <EmptyState icon={<ServerOff size={20} aria-hidden />} title="No hosts yet">
            A host appears when its agent has enrolled with a token of createHostEnrollment.
          </EmptyState>
        </div>
      ) : (
        <ul className="grid gap-4 md:grid-cols-2 xl:grid-cols-3">
          {data.hosts.nodes.map((host) => (
            <HostCard key={host.id} host={host} />
          ))}
        </ul>
      )}
      <Pools pools={data.storagePools.nodes} />
    </>
  );
}

function Pools({ pools }: { pools: HostsPage_LoadQuery['storagePools']['nodes'] }) {
  if (pools.length === 0) return null;
  return (
    <Section title="Storage pools" className="overflow-hidden">
      <ul className="divide-y divide-line">
        {pools.map((pool) => (
          <li key={pool.id} className="flex flex-wrap items-center gap-x-4 gap-y-1.5 px-4 py-2.5">
            <span className="min-w-32 font-medium">{pool.name}</span>
            <span className="text-ink-faint">
              {pool.type === 'SHARED_MOUNT_POINT' ? 'Shared mount point' : pool.type.length <= 5 ? pool.type : formatEnum(pool.type)}
            </span>
            {!pool.supportsSnapshots && <Badge tone="warn">No snapshots here</Badge>}
            <PoolSpace capacityBytes={pool.capacityBytes} availableBytes={pool.availableBytes} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** Above this share of use a pool's bar warns: overlays of running machines still have to grow. */
const NEARLY_FULL = 0.85;

type PoolSpaceProps = { capacityBytes?: number | null | undefined; availableBytes?: number | null | undefined };

function PoolSpace({ capacityBytes, availableBytes }: PoolSpaceProps) {
  if (!capacityBytes || availableBytes === null || availableBytes === undefined) return null;
  const used = 1 - availableBytes / capacityBytes;
  return (
    <div className="ml-auto flex w-full items-center gap-3 sm:w-96">
      <div aria-hidden className="h-1.5 flex-1 overflow-hidden rounded-full bg-line">
        <div className={`h-full rounded-full ${used > NEARLY_FULL ? 'bg-warn' : 'bg-accent'}`} style={{ width: `${used * 100}%` }} />
      </div>
      <span className="figures text-ink-soft">
        {formatBytes(availableBytes)} free <span className="text-ink-faint">of {formatBytes(capacityBytes)}</span>
      </span>
    </div>
  );
}
