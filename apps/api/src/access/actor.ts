import { z } from 'zod';

/** Who did something, as it lies in the database's JSON. */
export const actorRecord = z.object({
  kind: z.enum(['USER', 'TOKEN', 'POLICY', 'HOST', 'SYSTEM']),
  name: z.string(),
  userId: z.string().nullable().default(null),
});
export type { ActorRecord } from './principal.js';
