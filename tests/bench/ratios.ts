/** The middle of some figures; of an even number the lower middle. */
function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

/** Median of the ratios round by round: what disturbs a machine for seconds disturbs both sides of a round. */
export function medianRatio(ours: readonly number[], anchor: readonly number[]): number {
  return median(ours.map((figure, round) => figure / (anchor[round] ?? Number.NaN)));
}

/** One line of the table: what, the ratio, the goal. Absolute figures are left out on purpose: they say more of the machine than of us. */
export function row(what: string, ratio: number, goal: number): string {
  return `${what.padEnd(78)} ${ratio.toFixed(2).padStart(6)} ×   goal ≤ ${goal.toFixed(2)}   ${ratio <= goal ? 'met' : 'MISSED'}`;
}
