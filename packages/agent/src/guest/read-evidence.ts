import { z } from 'zod';
import { readDefinition } from '../definition/domain-xml.js';
import { textOf } from './thaw-evidence.js';

const evidence = z.object({ liveXml: z.string().nullable(), thawed: z.int().nullable() });

/** What the evidence of a thaw says: the files that the machine wrote, by target, and how many file systems were found frozen. */
export interface SeenBeforeThaw {
  readonly sources: Readonly<Record<string, string>>;
  readonly thawed: number;
}

/** Null if there is none. Throws if it is not evidence. */
export function readEvidence(path: string): SeenBeforeThaw | null {
  const text = textOf(path);
  if (text === null) return null;
  const { liveXml, thawed } = evidence.parse(JSON.parse(text));
  const disks = liveXml === null ? [] : readDefinition(liveXml).disks;
  return {
    sources: Object.fromEntries(disks.flatMap(({ target, file }) => (file === null ? [] : [[target, file]]))),
    thawed: thawed ?? 0,
  };
}
