import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { readDefinition } from '../definition/domain-xml.js';
import { hasErrorCode } from '../failure.js';

/**
 * What was seen when a freeze of an agent that died was ended: which files the machine wrote just before the thaw. If these are the new
 * heads, and the thaw found frozen file systems, the transaction happened while they stood still.
 */
const evidence = z.object({
  sources: z.record(z.string(), z.string()),
  /** File systems that the thaw found frozen; null until the guest answered. */
  thawed: z.int().nullable(),
});
export type ThawEvidence = z.infer<typeof evidence>;

/** The file of one command's evidence. */
export function evidencePath(stateDir: string, commandId: string): string {
  return join(stateDir, 'thawed', `${commandId}.json`);
}

/** The evidence that a live definition gives, before the thaw. */
export function evidenceOf(liveXml: string | null): ThawEvidence {
  const disks = liveXml === null ? [] : readDefinition(liveXml).disks;
  return { sources: Object.fromEntries(disks.flatMap(({ target, file }) => (file === null ? [] : [[target, file]]))), thawed: null };
}

/**
 * Written whole and durably, synchronously: its writer has nothing else to do and must not be torn. Watcher and agent may thaw at the same
 * time; the one that found file systems frozen is right, and is not written over.
 */
export function writeEvidence(path: string, content: ThawEvidence): void {
  const before = readEvidence(path);
  if (before !== null && (before.thawed ?? 0) > (content.thawed ?? 0)) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const made = `${path}.${process.pid}`;
  const file = openSync(made, 'w', 0o600);
  try {
    writeSync(file, JSON.stringify(content));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(made, path);
}

/** Null if there is none. */
export function readEvidence(path: string): ThawEvidence | null {
  try {
    return evidence.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return null;
    throw error;
  }
}

/** Removes it: with the end of its command, and before a new freeze of the same one. */
export function dropEvidence(path: string): void {
  rmSync(path, { force: true });
}

/** Removes what is left of commands that have ended: a watcher may write after the end. */
export function dropEvidenceExcept(stateDir: string, unfinished: ReadonlySet<string>): void {
  for (const name of namesIn(join(stateDir, 'thawed'))) {
    if (!unfinished.has(name.slice(0, name.indexOf('.')))) rmSync(join(stateDir, 'thawed', name), { force: true });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}
