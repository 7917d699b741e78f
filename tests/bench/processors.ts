/**
 * The guest that is measured keeps to one processor, with all of its QEMU, and everything else to the other, as on a hypervisor that has processors to
 * spare. Else what is measured of a guest is how long it waited for the database, or for libvirt to read an answer.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '@coppice/lab';
import type { LabHost } from '../testkit/lab-host.js';
import type { Machine } from '../testkit/machine.js';

const EVERYTHING_ELSE = 0;
const GUEST = 1;

/** What vitest calls first: itself, and so whatever it starts. Throws where there is one processor only. */
export async function setup(): Promise<void> {
  if (availableParallelism() < 2) throw new Error('The figures need two processors: one for the guest, one for everything else.');
  await keep(process.pid, EVERYTHING_ELSE);
}

/** A running guest's QEMU, which libvirt lets run on every processor. */
export async function keepGuestApart({ place }: LabHost, { name }: Machine): Promise<void> {
  await keep(Number(readFileSync(join(place.runDir, 'qemu', `${name}.pid`), 'utf8')), GUEST);
}

async function keep(pid: number, processor: number): Promise<void> {
  await runProgram('taskset', ['-a', '-c', '-p', String(processor), String(pid)], { deadlineMs: 10_000 });
  for (const child of childrenOf(pid)) await keep(child, processor);
}

function childrenOf(pid: number): number[] {
  const folder = `/proc/${pid}/task`;
  const texts = readdirSync(folder).map((thread) => readFileSync(join(folder, thread, 'children'), 'utf8'));
  return texts.flatMap((text) => text.split(' ').filter(Boolean).map(Number));
}
