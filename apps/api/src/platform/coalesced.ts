/** A piece of work that is asked for more often than it needs to run. */
export type Coalesced = {
  /** Runs it, or once more after the present run; any number of calls meanwhile are one. Never throws. */
  nudge(): void;
  /** Resolves when nothing runs and nothing is pending. */
  idle(): Promise<void>;
};

/**
 * At most one run and one pending run at a time: a run that began after a call has seen what the caller wrote, so one pending run
 * serves every call made during the present one. Errors go to `failed`; the next nudge tries again.
 */
export function coalesced(run: () => Promise<void>, failed: (error: unknown) => void): Coalesced {
  const state: { running: Promise<void> | null } = { running: null };
  let isPending = false;

  async function loop(): Promise<void> {
    do {
      isPending = false;
      try {
        await run();
      } catch (error) {
        failed(error);
      }
    } while (isPending);
    state.running = null;
  }

  return {
    nudge() {
      isPending = true;
      state.running ??= loop();
    },
    async idle() {
      while (state.running) await state.running;
    },
  };
}
