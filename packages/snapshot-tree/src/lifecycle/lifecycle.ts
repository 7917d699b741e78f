/** A state machine as a table: for each state, the states that it may go to. */
export type Lifecycle<S extends string> = Readonly<Record<S, readonly S[]>>;

/** A move that no rule allows: a broken promise of ours, so it throws. Names the subject and both states. */
export class IllegalTransition extends Error {
  override readonly name = 'IllegalTransition';
}

/** Throws IllegalTransition unless the lifecycle has `from` → `to`. */
export function assertTransition<S extends string>(lifecycle: Lifecycle<S>, move: { subject: string; from: S; to: S }): void {
  if (!lifecycle[move.from].includes(move.to)) {
    throw new IllegalTransition(`${move.subject}: no transition from ${move.from} to ${move.to}`);
  }
}

/** True where nothing follows. */
export function isFinal<S extends string>(lifecycle: Lifecycle<S>, state: S): boolean {
  return lifecycle[state].length === 0;
}
