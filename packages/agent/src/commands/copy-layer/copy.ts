import { basename } from 'node:path';
import type { CommandBody } from '@coppice/protocol';
import type { ImageFile } from '../../hypervisor/qemu-storage/image-file.js';
import { type CommandContext, notesOf, told } from '../context.js';
import { fileOfDisk, requireChain } from '../expected-chain.js';
import { drifted, viewMachine } from '../machine-view.js';
import { requirePower } from '../require-idle.js';
import { requireNoManagedSave } from '../require-no-managed-save.js';
import { isWrittenNow, machinesOfHost, whoIsOn } from '../who-has.js';

type Body = Extract<CommandBody, { verb: 'copy-layer' }>;

/** A copy-layer with paths, its source as it lies there. */
export interface Copy {
  readonly body: Body;
  readonly label: string;
  readonly chain: readonly { readonly path: string; readonly format: 'qcow2' | 'raw' }[];
  readonly path: string;
}

/** Names to paths. Throws POOL_UNSUPPORTED or IO_ERROR. */
export async function planCopy(body: Body, { pools }: CommandContext): Promise<Copy> {
  const chain = await Promise.all(
    body.chain.map(async ({ pool, fileName, format }) => ({ path: await pools.pathOf(pool, fileName), format })),
  );
  return { body, label: body.target ?? `volume ${body.volumeId}`, chain, path: await pools.pathOf(body.to.pool, body.to.fileName) };
}

/** The source: its chain is the recorded one, and nobody writes it. Throws MACHINE_DRIFTED, MACHINE_STATE, IMAGE_REFUSED. */
export async function requireAtRest(copy: Copy, context: CommandContext): Promise<ImageFile> {
  return told(context, 'VERIFY_CHAIN', async () => {
    if (copy.body.target === null) await requireUnwritten(copy, context);
    else await requireHeadOfStopped(copy, copy.body.target, context);
    const [source] = await requireChain(copy.label, copy.chain);
    if (source === undefined) throw new Error(`the chain of ${copy.label} is empty`);
    return source;
  });
}

async function requireHeadOfStopped({ body, chain }: Copy, target: string, { hypervisor }: CommandContext): Promise<void> {
  const view = await viewMachine(hypervisor, body.machineUuid);
  requirePower(view, 'OFF');
  requireNoManagedSave(view);
  const file = await fileOfDisk(view.inactive, target);
  if (file !== chain[0]?.path) throw drifted(`Disk ${target} is on ${file ?? 'no file'}, not on its recorded head.`);
}

async function requireUnwritten({ chain: [source] }: Copy, { hypervisor }: CommandContext): Promise<void> {
  if (source === undefined) return;
  const holder = await whoIsOn(await machinesOfHost(hypervisor), new Set([source.path]));
  if (holder !== null)
    throw drifted(`${source.path} is recorded as at rest, and machine ${holder.machineUuid} has it as disk ${holder.target}.`);
  if (await isWrittenNow(source.path, source.format))
    throw drifted(`${basename(source.path)} is recorded as at rest, and a process of this host writes it.`);
}

/** Whether this command, in any of its tries, may have made the file. */
export function isOurs({ path }: Copy, context: CommandContext): boolean {
  return notesOf(context, 'making').some(({ detail }) => detail['path'] === path);
}
