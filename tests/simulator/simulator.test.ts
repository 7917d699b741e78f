/** Thousands of schedules would be one seed each: CI runs some for a bounded time, `COPPICE_SIMULATED_SCHEDULES` says how many by hand. */
import { expect, it } from 'vitest';
import { runSchedule } from './simulation.js';

const first = Number(process.env['COPPICE_SIMULATED_SEED'] ?? 1);
const asked = process.env['COPPICE_SIMULATED_SCHEDULES'];
const schedules = Number(asked ?? 2);
/** Without being asked, messages are late and doubled; by hand agents die, disks fail and connections break as well. */
const faults =
  asked === undefined
    ? { deathEvery: 0, cutEvery: 0, doubleEvery: 6, failureEvery: 0 }
    : { deathEvery: 40, cutEvery: 25, doubleEvery: 6, failureEvery: 60 };

it.each(Array.from({ length: schedules }, (_, at) => first + at))(
  'FL-network, VM-20: schedule %i keeps every snapshot and every file',
  async (seed) => {
    const report = await runSchedule({ seed, hosts: 2, machinesPerHost: 2, rounds: 10, faults });
    expect(report.problems).toEqual([]);
    expect(report.started).toBeGreaterThan(0);
  },
);
