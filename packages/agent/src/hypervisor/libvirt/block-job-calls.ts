/** Calls on the block jobs of machines, checked where they cross the process border; part of calls.ts. */
import { z } from 'zod';

export const blockJobAnswers = {
  blockCommit: z.null(),
  blockPull: z.null(),
  blockJob: z.object({ done: z.number(), total: z.number() }).nullable(),
  abortBlockJob: z.null(),
  humanMonitor: z.string(),
} as const;

export type BlockJobCallName = keyof typeof blockJobAnswers;
export type BlockJobCallAnswer<Name extends BlockJobCallName> = z.infer<(typeof blockJobAnswers)[Name]>;

/** `bytesPerSecond`: 0 for as fast as it goes. */
export interface BlockJobCallArguments {
  blockCommit: { uuid: string; target: string; top: string; base: string; bytesPerSecond: number };
  blockPull: { uuid: string; target: string; base: string | null; bytesPerSecond: number };
  blockJob: { uuid: string; target: string };
  abortBlockJob: { uuid: string; target: string };
  humanMonitor: { uuid: string; command: string };
}
