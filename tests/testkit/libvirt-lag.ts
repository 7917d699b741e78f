import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { disksOf } from './outside-probes.js';
import { machineIsIdle } from './snapshot-calls.js';
import type { KnownMachine, World } from './world.js';

/**
 * What an operator does after libvirtd died inside a change and QEMU holds what libvirt does not know of (lab.md, t-race): stops and starts
 * the machine, as the drift says, and takes away the layers that the record calls garbage and that could not be discarded while QEMU had them
 * open. Does nothing in the usual case, where nothing lags.
 */
export async function restartIfLibvirtLags(world: World, known: KnownMachine): Promise<void> {
  await machineIsIdle(world.admin, known);
  const garbage = await world.database.sql(`SELECT id, file_name FROM layer WHERE state = 'DISCARDING'`);
  const isRunning = (await known.machine.state()) === 'running';
  const [live, persistent] = isRunning
    ? await Promise.all([disksOf(known.machine, 'live'), disksOf(known.machine, 'persistent')])
    : [{}, {}];
  if (garbage.length === 0 && JSON.stringify(live) === JSON.stringify(persistent)) return;
  if (isRunning) await known.machine.cutPower();
  for (const { id, file_name } of garbage) {
    await rm(join(world.poolDir, String(file_name)), { force: true });
    await world.database.sql(`UPDATE layer SET state = 'DISCARDED' WHERE id = $1`, [id]);
  }
  if (!isRunning) return;
  await known.machine.start();
  await world.waitForMachine(known.id, (answer) => answer.state === 'RUNNING' && answer.guestAgent === 'CONNECTED');
  await world.waitForNoDrift();
}
