import { z } from 'zod';
import type { ActorRecord } from '../access/principal.js';

/** Reads an actor back from a JSON column. */
export const actorRecord: z.ZodType<ActorRecord> = z.object({
  kind: z.enum(['USER', 'TOKEN', 'POLICY', 'HOST', 'SYSTEM']),
  name: z.string(),
  userId: z.string().nullable(),
});

/** What Coppice does by itself. */
export const SYSTEM_ACTOR: ActorRecord = { kind: 'SYSTEM', name: 'coppice', userId: null };

/** What a host said or did. */
export function hostActor(hostName: string): ActorRecord {
  return { kind: 'HOST', name: hostName, userId: null };
}
