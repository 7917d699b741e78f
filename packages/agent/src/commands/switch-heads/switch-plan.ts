import type { Definition, FileSource } from '../../definition/domain-xml.js';
import type { PoolFolders } from '../../pools/pool-folders.js';
import { type CommandContext, notesOf } from '../context.js';
import { type ExpectedVolume, expectVolume, fileOfDisk } from '../expected-chain.js';
import { drifted } from '../machine-view.js';

/** The command's body, and its files with paths. `chain` of a volume: as it is after the act, the new head first. */
export interface SwitchPlan {
  readonly body: Extract<CommandContext['command']['body'], { verb: 'switch-heads' }>;
  readonly volumes: readonly ExpectedVolume[];
  readonly before: readonly { readonly target: string; readonly path: string; readonly format: string }[];
  readonly memoryPath: string | null;
  readonly nvramCopy: string | null;
}

/** The machine as it was before this command did anything to it, as its journal has it. */
export interface Before {
  readonly power: SwitchPlan['body']['power'];
  readonly inactiveXml: string;
  readonly liveXml: string | null;
}

/** Names to paths. Throws POOL_UNSUPPORTED or IO_ERROR. */
export async function planSwitch(body: SwitchPlan['body'], pools: PoolFolders): Promise<SwitchPlan> {
  const pathOf = (file: { pool: string; fileName: string } | null) => (file === null ? null : pools.pathOf(file.pool, file.fileName));
  const volumes = await Promise.all(body.volumes.map((volume) => expectVolume(pools, volume)));
  const before = await Promise.all(
    body.before.map(async ({ target, head }) => ({ target, path: await pools.pathOf(head.pool, head.fileName), format: head.format })),
  );
  return { body, volumes, before, memoryPath: await pathOf(body.memory?.file ?? null), nvramCopy: await pathOf(body.nvram) };
}

/** The new heads by target. */
export function newHeadsOf({ volumes }: SwitchPlan): Map<string, FileSource> {
  return new Map(volumes.map(({ target, newPath }) => [target, { path: newPath, format: 'qcow2' }]));
}

/** Whether the persistent definition names the new heads. All of them or none: one define names them all, so anything else is drift. */
export async function isSwitched({ volumes }: SwitchPlan, inactive: Definition, context: CommandContext): Promise<boolean> {
  // A command that moves no disk: only its journal knows.
  if (volumes.length === 0) return notesOf(context, 'defined').length > 0;
  const files = await Promise.all(volumes.map(({ target }) => fileOfDisk(inactive, target)));
  const switched = volumes.filter(({ newPath }, index) => files[index] === newPath);
  if (switched.length === 0 || switched.length === volumes.length) return switched.length > 0;
  throw drifted(`The definition has ${switched.map(({ target }) => target).join(', ')} on the new layers and the other disks not.`);
}

/** Null as long as nothing was begun. */
export function notedBefore(context: CommandContext): Before | null {
  const detail = notesOf(context, 'before').at(-1)?.detail;
  const { power, inactiveXml, liveXml } = detail ?? {};
  if (inactiveXml === undefined) return null;
  return { power: power === 'ON' || power === 'PAUSED' ? power : 'OFF', inactiveXml, liveXml: liveXml ?? null };
}

/** Makes it durable. */
export async function noteBefore({ power, inactiveXml, liveXml }: Before, context: CommandContext): Promise<void> {
  await context.note('before', { power, inactiveXml, ...(liveXml === null ? {} : { liveXml }) });
}
