import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandBody, CommandFinished } from '@coppice/protocol';
import type { CrashPoint } from '../crash-points.js';
import type { HostWorld } from './host-world.js';

/**
 * Gives a command to an agent that dies at `point`; `meanwhile` happens before the next one starts, whose answer is returned. Throws if the
 * agent answered before it died.
 */
export async function answerAfterCrash(
  world: HostWorld,
  body: CommandBody,
  { point, meanwhile }: { point: CrashPoint; meanwhile?: () => Promise<void> },
): Promise<CommandFinished['outcome']> {
  await world.agent.stop('SIGKILL');
  // A point crashes an agent once per state folder; for the next one that is forgotten.
  await rm(join(world.dir, 'agent', `crashed-${point.replaceAll('/', '-')}`), { force: true });
  world.agent.start(point);
  await world.api.connected();
  const command = world.api.issue(body);
  await world.agent.ended();
  if (world.api.reportsOf(command.id).length > 0) throw new Error(`the agent answered before it died at ${point}`);
  await meanwhile?.();
  world.agent.start(point);
  return (await world.api.finished(command, 90_000)).outcome;
}
