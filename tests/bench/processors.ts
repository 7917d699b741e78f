/**
 * One machine of two processors as if it were two machines: the control plane (API, database, this process) keeps to the first processor, the
 * hypervisor (libvirtd, agent, guests) to the second. Else what is measured of a guest is how long it waited for the database.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '@coppice/lab';
import type { LabHost } from '../testkit/lab-host.js';
import type { Machine } from '../testkit/machine.js';

const CONTROL_PLANE = 0;
const HYPERVISOR = 1;

/** What vitest calls first: itself, and so whatever it starts. Throws where there is one processor only. */
export async function setup(): Promise<void> {
  if (availableParallelism() < 2) throw new Error('The figures need two processors: one for the control plane, one for the hypervisor.');
  await keep(process.pid, CONTROL_PLANE);
}

/** The host's libvirtd and agent; to be called when both run. */
export async function keepHostApart(host: LabHost): Promise<void> {
  const libvirtd = host.hypervisor();
  if (libvirtd === undefined) throw new Error('the host has no libvirtd');
  for (const pid of [libvirtd.process.pid, host.agent.pid]) await keep(pid, HYPERVISOR);
}

/** A running guest's QEMU, which libvirt lets run on every processor. */
export async function keepGuestApart({ place }: LabHost, { name }: Machine): Promise<void> {
  await keep(Number(readFileSync(join(place.runDir, 'qemu', `${name}.pid`), 'utf8')), HYPERVISOR);
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
