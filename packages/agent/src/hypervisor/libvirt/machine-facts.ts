import type { MachineFacts, Power } from '../port.js';
import type { RawMachine } from './machine-calls.js';

/** libvirt's facts of a machine in the agent's words. */
export function factsOf(raw: RawMachine): MachineFacts {
  const { uuid, isPersistent, isAutostarted, hasManagedSave, liveXml, migratableXml, inactiveXml, snapshots, checkpoints } = raw;
  const power = powerOf(raw.state);
  return { uuid, power, isPersistent, isAutostarted, hasManagedSave, liveXml, migratableXml, inactiveXml, snapshots, checkpoints };
}

/** virDomainState: RUNNING 1, BLOCKED 2, PAUSED 3, SHUTDOWN 4 (under way), SHUTOFF 5, CRASHED 6, PMSUSPENDED 7. */
function powerOf(state: number): Power {
  if (state === 1 || state === 2) return 'ON';
  if (state === 3) return 'PAUSED';
  return state === 5 || state === 6 ? 'OFF' : 'UNKNOWN';
}
