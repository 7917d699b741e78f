import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasErrorCode } from '../failure.js';

/**
 * What was seen when a freeze of an agent that died was ended: the definition just before the thaw. If the machine wrote the new heads then,
 * and the thaw found frozen file systems, the transaction happened while they stood still. Judged by readEvidence, not here: the watcher
 * loads this file, and has to be ready soon.
 */
export interface ThawEvidence {
  /** Null where the machine was off. */
  readonly liveXml: string | null;
  /** File systems that the thaw found frozen; null until the guest answered. */
  readonly thawed: number | null;
}

/** Of all evidence, in the agent's state folder. */
export const THAWED_FOLDER = 'thawed';

/** The file of one command's evidence. */
export function evidencePath(stateDir: string, commandId: string): string {
  return join(stateDir, THAWED_FOLDER, `${commandId}.json`);
}

/**
 * Written whole and durably, synchronously: its writer has nothing else to do and must not be torn. Watcher and agent may thaw at the same
 * time; the one that found file systems frozen is right, and is not written over.
 */
export function writeEvidence(path: string, content: ThawEvidence): void {
  if (thawedBefore(path) > (content.thawed ?? 0)) return;
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

function thawedBefore(path: string): number {
  const text = textOf(path);
  const content: unknown = text === null ? null : JSON.parse(text);
  const isOne = typeof content === 'object' && content !== null && 'thawed' in content;
  return isOne && typeof content.thawed === 'number' ? content.thawed : 0;
}

/** The evidence as it was written; null if there is none. */
export function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
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
  for (const name of namesIn(join(stateDir, THAWED_FOLDER))) {
    if (!unfinished.has(name.slice(0, name.indexOf('.')))) rmSync(join(stateDir, THAWED_FOLDER, name), { force: true });
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
