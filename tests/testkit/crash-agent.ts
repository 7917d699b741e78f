/** Lets an agent die at one of its crash points, as often as a test wants. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CrashPoint } from '@coppice/agent';
import { waitUntil } from './wait-until.js';
import type { World } from './world.js';

/** Ends the agent and starts it again, so that it dies at that point once; null: at none. */
export async function restartAgentFor(world: World, hostName: string, point: CrashPoint | null): Promise<void> {
  const host = world.host(hostName);
  await host.agent.end('SIGTERM');
  await world.waitForHost(hostName, 'DISCONNECTED');
  // An agent dies at a point once for each state folder.
  if (point !== null) await rm(join(host.dir, 'agent', `crashed-${point.replaceAll('/', '-')}`), { force: true });
  host.agent.start(point === null ? {} : { COPPICE_AGENT_CRASH_AT: point });
  await world.waitForHost(hostName);
}

/** Waits until the agent has died at its point, or `isOver` says that it never will: what it did had ended before. True if it died. */
export async function diedOrOver(world: World, hostName: string, isOver: () => Promise<boolean>): Promise<boolean> {
  const { agent } = world.host(hostName);
  return waitUntil('the agent to die, or to be done', async () => {
    if (!agent.isRunning()) return 'DIED';
    return (await isOver()) ? 'OVER' : undefined;
  }).then((how) => how === 'DIED');
}
