import { CommandProblem } from '../../failure.js';

/**
 * Node does file work on four threads. A mount that hangs keeps each thread that touches it, so storage gets two; the journal and name
 * lookups keep the others, and a hung NFS does not look like a dead host.
 */
const MAX_AT_ONCE = 2;
const DEADLINE_MS = 20_000;

let running = 0;
const queue: Array<() => void> = [];

/**
 * Runs file work on storage, at most MAX_AT_ONCE at a time. After the deadline it throws IO_ERROR, and its slot stays taken until the
 * kernel answers.
 */
export async function onStorage<T>(doing: string, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(storageHangs(doing)), DEADLINE_MS);
  });
  const done = inTurn(work);
  // Heard here as well: it may end long after the deadline won.
  done.catch(() => undefined);
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= MAX_AT_ONCE) await new Promise<void>((resolve) => queue.push(resolve));
  else running += 1;
  try {
    return await work();
  } finally {
    const next = queue.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

function storageHangs(doing: string): CommandProblem {
  return new CommandProblem({
    code: 'IO_ERROR',
    retryable: true,
    message: `The storage did not answer within ${DEADLINE_MS / 1000} s (${doing}); what it did is looked up when it answers again.`,
    hint: 'Look at the mount on the host, then try again.',
  });
}
