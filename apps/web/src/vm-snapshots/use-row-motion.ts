'use client';
import { type RefObject, useLayoutEffect, useRef, useState } from 'react';
import { LANE_ROW_PX } from '../ui/TreeLanes';
import { compareRows } from './row-motion';

/** How long a row takes to its new place, and one that left to fade, in ms. */
const MOVE_MS = 260;
const FADE_MS = 300;
/** A jump of more rows than this is not followed by anybody's eyes. */
const MOVED_MAX = 200;

/** A row that has left the tree, fading where it stood. */
export type Departure<Row> = { key: string; row: Row; topPx: number };

type Rows<Row> = { rows: readonly Row[]; idOf: (row: Row) => string; elements: RefObject<ReadonlyMap<string, HTMLElement>> };

/**
 * Lets rows glide to where they stand now, and answers the ones that have left, for as long as they fade. Nothing moves for those who asked
 * their system for less motion, and nothing else waits for it: rows are where they belong at once, only drawn on their way.
 */
export function useRowMotion<Row>({ rows, idOf, elements }: Rows<Row>): readonly Departure<Row>[] {
  const before = useRef<readonly Row[]>([]);
  const [departures, setDepartures] = useState<readonly Departure<Row>[]>([]);
  useLayoutEffect(() => {
    const last = before.current;
    before.current = rows;
    if (last === rows || window.matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    const { moved, departed } = compareRows(last.map(idOf), rows.map(idOf));
    for (const { id, byRows } of moved.slice(0, MOVED_MAX)) {
      elements.current.get(id)?.animate([{ transform: `translateY(${byRows * LANE_ROW_PX}px)` }, { transform: 'none' }], {
        duration: MOVE_MS,
        easing: 'ease-out',
      });
    }
    if (departed.length === 0) return;
    const fresh = departed.flatMap(({ id, index }) => {
      const row = last[index];
      return row === undefined ? [] : [{ key: `${id} ${performance.now()}`, row, topPx: index * LANE_ROW_PX }];
    });
    setDepartures((fading) => [...fading, ...fresh]);
    const keys = new Set(fresh.map(({ key }) => key));
    // Not cleared with the effect: what fades goes on fading while the tree changes again.
    setTimeout(() => setDepartures((fading) => fading.filter(({ key }) => !keys.has(key))), FADE_MS);
  }, [rows, idOf, elements]);
  return departures;
}
