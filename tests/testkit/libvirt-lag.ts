import { machineBecomes } from './machine-calls.js';
import { disksOf } from './outside-probes.js';
import { machineIsIdle } from './snapshot-calls.js';
import { waitUntil } from './wait-until.js';
import type { KnownMachine, World } from './world.js';

/**
 * What an operator does after libvirtd died inside a change and QEMU holds what libvirt does not know of (lab.md, t-race): stops and starts
 * the machine, as the drift says. Does nothing in the usual case, where nothing lags.
 */
export async function restartIfLibvirtLags(world: World, known: KnownMachine): Promise<void> {
  await machineIsIdle(world.admin, known);
  const garbage = await world.database.sql(`SELECT id FROM layer WHERE state = 'DISCARDING'`);
  const isRunning = (await known.machine.state()) === 'running';
  const [live, persistent] = isRunning
    ? await Promise.all([disksOf(known.machine, 'live'), disksOf(known.machine, 'persistent')])
    : [{}, {}];
  if (garbage.length === 0 && JSON.stringify(live) === JSON.stringify(persistent)) return;
  if (isRunning) await known.machine.cutPower();
  // What could not be discarded while QEMU had it open is discarded without anybody's asking once the machine is off.
  await waitUntil('the garbage to be swept', async () => {
    const left = await world.database.sql(`SELECT id FROM layer WHERE state = 'DISCARDING'`);
    return left.length === 0;
  });
  if (!isRunning) return;
  await known.machine.start();
  await machineBecomes(world.admin, known, (answer) => answer.state === 'RUNNING' && answer.guestAgent === 'CONNECTED');
  await world.waitForNoDrift();
}
