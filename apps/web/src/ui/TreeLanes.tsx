import { classNames } from './class-names';

/** Height of a row and width of a lane, in px; rows have this height exactly so that lines of neighbours meet. */
export const LANE_ROW_PX = 52;
const LANE_PX = 18;

export type LaneRow = {
  lane: number;
  fromLane: number | null;
  isOnHeadPath: boolean;
  hasLineDown: boolean;
  isLineDownOnHeadPath: boolean;
  passing: readonly { lane: number; isOnHeadPath: boolean }[];
};

/** What stands in the lane: an ordinary node, one that is being made, one that failed, the marked one, or the ghost of what is not named yet. */
export type LaneNode = 'plain' | 'busy' | 'bad' | 'marked' | 'ghost';

const centre = (lane: number) => lane * LANE_PX + LANE_PX / 2 + 4;
const MIDDLE = LANE_ROW_PX / 2;
const lineLook = (isStrong: boolean) => (isStrong ? 'stroke-accent' : 'stroke-line-strong');

/** The lines and the dot of one row. Decoration: what they say is also in the row's words and level. */
export function TreeLanes({ row, node, laneCount }: { row: LaneRow; node: LaneNode; laneCount: number }) {
  const x = centre(row.lane);
  const isDashed = node === 'ghost';
  return (
    <svg
      aria-hidden
      width={laneCount * LANE_PX + 8}
      height={LANE_ROW_PX}
      className="shrink-0 overflow-visible"
      fill="none"
      strokeWidth={2}
      strokeLinecap="round"
    >
      {row.fromLane !== null && (
        <path
          d={comingPath(centre(row.fromLane), x)}
          className={lineLook(row.isOnHeadPath)}
          strokeDasharray={isDashed ? '3 5' : undefined}
        />
      )}
      {row.passing.map((line) => (
        <path key={line.lane} d={`M${centre(line.lane)} 0V${LANE_ROW_PX}`} className={lineLook(line.isOnHeadPath)} />
      ))}
      {row.hasLineDown && <path d={`M${x} ${MIDDLE}V${LANE_ROW_PX}`} className={lineLook(row.isLineDownOnHeadPath)} />}
      <Dot x={x} node={node} />
    </svg>
  );
}

/** From the top edge in the parent's lane to the node: straight, or round the corner into the next lane. */
function comingPath(from: number, to: number): string {
  return from === to ? `M${to} 0V${MIDDLE}` : `M${from} 0V${MIDDLE - 14}Q${from} ${MIDDLE} ${from + 12} ${MIDDLE}H${to}`;
}

const DOTS: Record<LaneNode, string> = {
  plain: 'fill-surface stroke-ink-faint',
  busy: 'fill-busy-soft stroke-busy animate-breathe',
  bad: 'fill-bad-soft stroke-bad',
  marked: 'fill-accent stroke-accent',
  ghost: 'fill-surface stroke-accent',
};

function Dot({ x, node }: { x: number; node: LaneNode }) {
  return (
    <>
      {node === 'marked' && <circle cx={x} cy={MIDDLE} r={9} className="fill-accent/20" />}
      <circle cx={x} cy={MIDDLE} r={5.5} className="fill-surface" />
      <circle cx={x} cy={MIDDLE} r={5.5} className={classNames(DOTS[node])} strokeDasharray={node === 'ghost' ? '2.6 3.2' : undefined} />
    </>
  );
}
