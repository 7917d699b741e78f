import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLineOf, endProcess, findHypervisor, identifyProcess, isSameProcess, type ProcessIdentity } from '@coppice/lab';
import { unmountPool } from './small-pool.js';

/**
 * What a test run started, one JSON line each, written before it is used. A test that fails, a worker that is killed and even a run
 * that gets SIGKILL leave nothing behind that the end of the run, or the start of the next, cannot find and end by its identity.
 */
export type LedgerEntry =
  | { kind: 'process'; process: ProcessIdentity }
  | { kind: 'worker'; process: ProcessIdentity }
  | { kind: 'hypervisor'; place: { name: string; stateDir: string; runDir: string } }
  | { kind: 'mount'; path: string }
  | { kind: 'folder'; path: string };

const GRACE_MS = 5000;

/** Notes what was started. Synchronous on purpose: nothing may come between the start and the note. */
export function note(ledgerPath: string, entry: LedgerEntry): void {
  appendFileSync(ledgerPath, `${JSON.stringify(entry)}\n`);
}

/** Ends the test workers of a run whose main process is gone: they would go on starting things. */
export async function sweepWorkers(ledgerPath: string): Promise<void> {
  for (const entry of readLedger(ledgerPath)) if (entry.kind === 'worker') await endProcess(entry.process, 'SIGKILL', GRACE_MS);
}

/** Ends everything that the ledger names and still runs, then removes its folders. */
export async function sweep(ledgerPath: string): Promise<void> {
  const entries = readLedger(ledgerPath);
  for (const entry of entries) if (entry.kind === 'process') await endPaused(entry.process);
  for (const entry of entries) if (entry.kind === 'hypervisor') await endHypervisor(entry.place);
  for (const entry of entries) if (entry.kind === 'mount') await unmountPool(entry.path);
  for (const entry of entries) if (entry.kind === 'folder') await rm(entry.path, { recursive: true, force: true });
}

/** A stopped process takes SIGTERM only when it is continued. */
async function endPaused(identity: ProcessIdentity): Promise<void> {
  if (!isSameProcess(identity)) return;
  process.kill(identity.pid, 'SIGCONT');
  await endProcess(identity, 'SIGTERM', GRACE_MS);
}

/** Ends the guests of a hypervisor at once, then its libvirtd. QEMU writes its pid below the run folder, which is ours alone. */
export async function endHypervisor(place: { name: string; stateDir: string; runDir: string }): Promise<void> {
  const hypervisor = findHypervisor(place);
  if (hypervisor !== undefined) await endProcess(hypervisor.process, 'SIGKILL', GRACE_MS);
  const pidDir = join(place.runDir, 'qemu');
  if (!existsSync(pidDir)) return;
  for (const name of readdirSync(pidDir).filter((file) => file.endsWith('.pid'))) {
    const pid = Number(readFileSync(join(pidDir, name), 'utf8'));
    const identity = Number.isInteger(pid) && pid > 1 ? identifyProcess(pid) : undefined;
    const isGuest = commandLineOf(pid)?.[0]?.includes('qemu-system') === true;
    if (identity !== undefined && isGuest) await endProcess(identity, 'SIGKILL', GRACE_MS);
  }
}

function readLedger(ledgerPath: string): LedgerEntry[] {
  if (!existsSync(ledgerPath)) return [];
  // The last line may be half written.
  const lines = readFileSync(ledgerPath, 'utf8').split('\n').slice(0, -1);
  return lines.map((line): LedgerEntry => JSON.parse(line));
}
