'use client';
import { useEffect, useState } from 'react';
import type { MachineRowFragment, MachinesPage_WatchSubscription } from '../../generated/graphql';
import type { Problem } from '../graphql/problem';
import { useLoad } from '../graphql/use-load';
import { useStream } from '../graphql/use-stream';
import { loadMachines, watchMachines } from './machines.graphql';

/** The API gives at most 100 a page; with more machines one narrows the list by name. */
const SHOWN_MAX = 100;

export type LiveMachines = { rows: MachineRowFragment[] | undefined; totalCount: number; problem: Problem | undefined; reload(): void };

/** The machines whose names hold the keyword, kept up to date: an event brings its machine along; one that is not in the list asks for the list. */
export function useLiveMachines(keyword: string): LiveMachines {
  const filter = keyword === '' ? null : { keyword };
  const { data, problem, reload } = useLoad(loadMachines, { first: SHOWN_MAX, after: null, filter });
  const [rows, setRows] = useState<ReadonlyMap<string, MachineRowFragment> | undefined>();

  useEffect(() => {
    if (data) setRows(new Map(data.virtualMachines.nodes.map((row) => [row.id, row])));
  }, [data]);
  useStream({
    document: watchMachines,
    variables: {},
    from: data && { read: data, cursor: data.cursor },
    cursorOf: (event) => event.stateTransitions.cursor,
    onData: (event) => {
      const row = machineOf(event);
      if (!event.stateTransitions.event) return;
      if (row && rows?.has(row.id)) setRows((last) => new Map(last).set(row.id, row));
      else reload();
    },
    onGap: reload,
  });

  const sorted = rows && [...rows.values()].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  return { rows: data ? sorted : undefined, totalCount: data?.virtualMachines.totalCount ?? 0, problem, reload };
}

function machineOf({ stateTransitions: { event } }: MachinesPage_WatchSubscription): MachineRowFragment | undefined {
  if (event?.subject?.__typename === 'VirtualMachine') return event.subject;
  return event?.subject?.__typename === 'VmSnapshot' ? event.subject.virtualMachine : undefined;
}
