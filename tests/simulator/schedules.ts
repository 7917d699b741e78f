import { Seeded } from './seeded.js';
import type { Schedule } from './simulation.js';
import type { Faults } from './weather.js';

/** Everything goes wrong, and often. */
const ROUGH: Faults = {
  deathEvery: 80,
  cutEvery: 60,
  doubleEvery: 6,
  failureEvery: 30,
  hypervisorEvery: 60,
  replicaEvery: 30,
  conflictEvery: 40,
  lostEvery: 60,
  unheardEvery: 60,
};

/** The schedule of a seed: short, with every fault on; the larger ones are rarer. */
export function scheduleOf(seed: number): Schedule {
  const chance = new Seeded(seed * 7_919);
  const hosts = chance.once(5) ? 2 : 1;
  return {
    seed,
    replicas: chance.once(2) ? 2 : 1,
    hosts,
    machinesPerHost: hosts === 1 && chance.once(3) ? 2 : 1,
    rounds: 3 + chance.below(6),
    faults: ROUGH,
  };
}
