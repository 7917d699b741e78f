'use client';
import { useState } from 'react';
import type { MachineRowFragment, MachinesPage_WatchSubscription } from '../../generated/graphql';
import type { Problem } from '../graphql/problem';
import { useLoad } from '../graphql/use-load';
import { useStream } from '../graphql/use-stream';
import { loadMachines, watchMachines } from './machines.graphql';

/** The API gives at most 100 a page; with more machines one narrows the list by name. */
const SHOWN_MAX = 100;

type Listed = { keyword: string; rows: ReadonlyMap<string, MachineRowFragment>; totalCount: number };

/** `keyword` is the one that the rows answer: the list stays while another is asked for. */
export type LiveMachines = {
  listed: { keyword: string; rows: MachineRowFragment[]; totalCount: number } | undefined;
  problem: Problem | undefined;
  reload: () => void;
};

/** The machines whose names hold the keyword, kept up to date: an event brings its machine along; one that is not in the list asks for the list. */
export function useLiveMachines(keyword: string): LiveMachines {
  const [listed, setListed] = useState<Listed>();
  const { data, problem, reload } = useLoad({
    document: loadMachines,
    variables: { first: SHOWN_MAX, after: null, filter: keyword === '' ? null : { keyword } },
    onData: ({ virtualMachines: { nodes, totalCount } }) =>
      setListed({ keyword, totalCount, rows: new Map(nodes.map((row) => [row.id, row])) }),
  });

  useStream({
    document: watchMachines,
    variables: {},
    from: data && { read: data, cursor: data.cursor },
    cursorOf: (event) => event.stateTransitions.cursor,
    onData: (event) => {
      const row = machineOf(event);
      if (!event.stateTransitions.event) return;
      if (row && listed?.rows.has(row.id)) setListed((last) => last && { ...last, rows: new Map(last.rows).set(row.id, row) });
      else reload();
    },
    onGap: reload,
  });

  const rows = listed && [...listed.rows.values()].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  return { listed: listed && rows && { ...listed, rows }, problem, reload };
}

function machineOf({ stateTransitions: { event } }: MachinesPage_WatchSubscription): MachineRowFragment | undefined {
  if (event?.subject?.__typename === 'VirtualMachine') return event.subject;
  return event?.subject?.__typename === 'VmSnapshot' ? event.subject.virtualMachine : undefined;
}
