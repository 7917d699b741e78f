import { backOffMs } from './back-off';

/** How long requests for a reload are gathered, in ms: a burst of events makes one query, not twenty. */
const GATHER_MS = 80;

export type LoaderOptions<Answer> = {
  load: () => Promise<Answer>;
  onAnswer: (answer: Answer) => void;
  /** Whether this answer is no answer and is to be asked for again by itself. */
  isUnreachable: (answer: Answer) => boolean;
};

export type Loader = { request: () => void; stop: () => void };

/**
 * Asks one at a time, so that an older answer never overwrites a newer one. What is requested while a question is out is asked once more
 * afterwards: the last answer is always younger than the last request. Unreachable answers are repeated with back-off until stopped.
 */
export function createLoader<Answer>({ load, onAnswer, isUnreachable }: LoaderOptions<Answer>): Loader {
  let isOut = false;
  let isWanted = false;
  let isStopped = false;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function schedule(delayMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), delayMs);
  }

  async function ask(): Promise<void> {
    timer = undefined;
    isOut = true;
    isWanted = false;
    const answer = await load();
    isOut = false;
    if (isStopped) return;
    onAnswer(answer);
    const failed = isUnreachable(answer);
    failures = failed ? failures + 1 : 0;
    if (failed) schedule(backOffMs(failures - 1, Math.random()));
    else if (isWanted) schedule(GATHER_MS);
  }

  void ask();
  return {
    request() {
      failures = 0;
      if (isOut) isWanted = true;
      else if (!isStopped) schedule(GATHER_MS);
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
