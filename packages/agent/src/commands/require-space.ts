import { CommandProblem } from '../failure.js';
import type { CommandContext } from './context.js';

/** Over the bytes that are copied, for tables and what rounding adds (kvm.md §5.2). */
const SPACE_FACTOR = 1.1;

/** Throws INSUFFICIENT_SPACE if a pool has no room for a copy of so many bytes. `what`: for people, e.g. "the merge". */
export async function requireSpace(
  { pool, bytes, what }: { pool: string; bytes: number; what: string },
  context: CommandContext,
): Promise<void> {
  const neededBytes = Math.ceil(bytes * SPACE_FACTOR);
  const { availableBytes } = await context.pools.spaceOf(pool);
  if (availableBytes >= neededBytes) return;
  throw new CommandProblem({
    code: 'INSUFFICIENT_SPACE',
    retryable: true,
    message: `Pool ${pool} has ${availableBytes} bytes left; ${what} needs up to ${neededBytes}. Nothing was copied.`,
    hint: 'Make room in the pool, then retry.',
  });
}
