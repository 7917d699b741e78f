/** Lets an agent die at one of its crash points, as often as a test wants. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CrashPoint } from '@coppice/agent';
import { plainId } from './plain-id.js';
import { waitUntil } from './wait-until.js';
import type { World } from './world.js';

/** Bytes a second of a merge in whose middle an agent is to die: an unthrottled one may be over before anyone looks at it. */
const MIDDLE_BYTES_PER_SECOND = 1024 * 1024;
/** Of one that is not to end before somebody has cancelled it: minutes for the MiB that it has. */
const ENDLESS_BYTES_PER_SECOND = 16 * 1024;

/** Of an agent that is to die at that point: a merge that has a middle takes its time. Its layers must hold some MiB each. */
export function environmentFor(point: CrashPoint | null): Readonly<Record<string, string>> {
  if (point === null) return {};
  const throttle = { COPPICE_AGENT_MERGE_BYTES_PER_SECOND: String(MIDDLE_BYTES_PER_SECOND) };
  return { COPPICE_AGENT_CRASH_AT: point, ...(point === 'merge-layers/copying' ? throttle : {}) };
}

/** Of an agent whose merges go on for minutes. */
export function endlessMerges(): Readonly<Record<string, string>> {
  return { COPPICE_AGENT_MERGE_BYTES_PER_SECOND: String(ENDLESS_BYTES_PER_SECOND) };
}

/** Ends the agent and starts it again, so that it dies at that point once; null: at none. */
export async function restartAgentFor(world: World, hostName: string, point: CrashPoint | null): Promise<void> {
  const host = world.host(hostName);
  await host.agent.end('SIGTERM');
  await world.waitForHost(hostName, 'DISCONNECTED');
  // An agent dies at a point once for each state folder.
  if (point !== null) await rm(join(host.dir, 'agent', `crashed-${point.replaceAll('/', '-')}`), { force: true });
  host.agent.start(environmentFor(point));
  await world.waitForHost(hostName);
}

/** Whether a host was ever told a command of an operation: also one that is done by now. */
export async function isSent(world: World, operationId: string, verb: string): Promise<boolean> {
  const sql = `SELECT 1 FROM command WHERE operation_id::text = $1 AND verb = $2 AND state <> 'PENDING'`;
  return (await world.database.sql(sql, [plainId(operationId), verb])).length > 0;
}

/** Waits until the agent has died at its point, or `isOver` says that it never will: what it did had ended before. True if it died. */
export async function diedOrOver(world: World, hostName: string, isOver: () => Promise<boolean>): Promise<boolean> {
  const { agent } = world.host(hostName);
  return waitUntil('the agent to die, or to be done', async () => {
    if (!agent.isRunning()) return 'DIED';
    return (await isOver()) ? 'OVER' : undefined;
  }).then((how) => how === 'DIED');
}
