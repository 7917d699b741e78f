/** Marks that a guest carries in its memory and on its disks, so that a test can tell to which moment it was brought back. */
import { guestExec } from '@coppice/lab';
import { DEADLINE_MS } from './wait-until.js';
import type { Machine } from './machine.js';

/** What a guest knows: its boot, its marks in memory and on both disks; an empty mark is one that is not there. */
export interface Marks {
  readonly boot: string;
  readonly memory: string;
  readonly vda: string;
  readonly vdb: string;
}

/** Writes a mark into the guest's memory and onto both disks, and waits until the disks have it. */
export async function mark(machine: Machine, text: string): Promise<void> {
  const script = 'for f in /mark /a/mark /b/mark; do echo "$0" > $f; done; sync';
  const { exitCode, stderr } = await guestExec(machine, ['sh', '-c', script, text]);
  if (exitCode !== 0) throw new Error(`the guest ${machine.name} could not be marked: ${stderr}`);
}

/** The marks of a guest that runs and writes. */
export async function marksOf(machine: Machine): Promise<Marks> {
  const listener = await machine.listen();
  const [tick] = await listener.next(1, DEADLINE_MS);
  listener.close();
  const read = async (path: string) => (await guestExec(machine, ['cat', path])).stdout.trim();
  return { boot: tick?.bootId ?? '', memory: await read('/mark'), vda: await read('/a/mark'), vdb: await read('/b/mark') };
}
