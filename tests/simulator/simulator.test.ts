/** CI runs schedules with every fault for a bounded time; `COPPICE_SIMULATED_SCHEDULES=n` runs n of them, from `COPPICE_SIMULATED_SEED`. */
import { expect, it } from 'vitest';
import { scheduleOf } from './schedules.js';
import { type Report, runSchedule } from './simulation.js';
import { NO_FAULTS } from './weather.js';

const first = Number(process.env['COPPICE_SIMULATED_SEED'] ?? 1);
const asked = process.env['COPPICE_SIMULATED_SCHEDULES'];
/** Without being asked: so many, or as many as this time allows, in milliseconds. */
const [MOST, LONGEST_MS] = [1_500, 45_000];
const NO_TIMEOUT_MS = 24 * 3_600_000;

it('the same seed gives the same schedule, and another seed another', async () => {
  const digests: string[] = [];
  for (const seed of [first, first, first + 1]) digests.push((await runSchedule(scheduleOf(seed))).digest);
  expect(digests[1]).toBe(digests[0]);
  expect(digests[2]).not.toBe(digests[0]);
});

it('a command that is marked as sent by a commit of which nobody heard goes out all the same, with no new session to help', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const faults = { ...NO_FAULTS, unheardEvery: 4 };
    expect((await runSchedule({ seed, replicas: 1, hosts: 1, machinesPerHost: 1, rounds: 5, faults })).problems).toEqual([]);
  }
});

it(
  'FL-network, VM-20: whatever dies, fails, is cut off, comes late or twice: every snapshot reads the same and every file is known',
  async () => {
    const began = performance.now();
    const reports: Report[] = [];
    const isDue = () => reports.length < Number(asked ?? MOST) && (asked !== undefined || performance.now() - began < LONGEST_MS);
    for (let seed = first; isDue(); seed += 1) reports.push(await green(seed));
    const minutes = (performance.now() - began) / 60_000;
    const sums = sumsOf(reports);
    console.log(`${reports.length} schedules, ${Math.round(reports.length / minutes)} a minute: ${JSON.stringify(sums)}`);
    // A machine that is busy with much else runs fewer of them; what they were to show was shown.
    if (reports.length >= 20) expect(Object.entries(sums).filter(([, sum]) => sum === 0)).toEqual([]);
  },
  NO_TIMEOUT_MS,
);

async function green(seed: number): Promise<Report> {
  const report = await runSchedule(scheduleOf(seed)).catch((error: unknown) => ({ problems: [String(error)] }));
  if ('commands' in report && report.problems.length === 0) return report;
  const again = `COPPICE_SIMULATED_SEED=${seed} COPPICE_SIMULATED_SCHEDULES=1 npx vitest run --project tests tests/simulator/simulator.test.ts`;
  throw new Error(`Schedule ${seed} went wrong. Alone it runs with: ${again}\n${report.problems.join('\n')}`);
}

/** How often each thing was done or went wrong. */
function sumsOf(reports: readonly Report[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { started, refused, commands, statements, faults } of reports) {
    for (const [what, times] of Object.entries({ started, refused, commands, statements, ...faults }))
      sums[what] = (sums[what] ?? 0) + times;
  }
  return sums;
}
