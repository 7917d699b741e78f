import { type FileSource, withSources } from '../../definition/domain-xml.js';
import type { CommandContext } from '../context.js';
import { fileOfDisk } from '../expected-chain.js';
import { drifted, viewMachine } from '../machine-view.js';
import type { FreezePlan } from './freeze-layers.js';

/**
 * Makes the persistent definition name the new heads where libvirt left it on the old ones: killed between QEMU's transaction and its own
 * save it never mends that, and the next cold start would write into the frozen layer (lab.md, t-race).
 */
export async function bringDefinitionForward({ body, volumes }: FreezePlan, context: CommandContext): Promise<void> {
  const view = await viewMachine(context.hypervisor, body.machineUuid);
  const stale = new Map<string, FileSource>();
  for (const { target, newPath, chain } of volumes) {
    const file = await fileOfDisk(view.inactive, target);
    if (file === null || file === newPath) continue;
    if (file !== chain[0]?.path) throw drifted(`The persistent definition has disk ${target} on ${file}.`);
    stale.set(target, { path: newPath, format: 'qcow2' });
  }
  if (stale.size === 0) return;
  context.log.warn(
    { machineUuid: body.machineUuid, targets: [...stale.keys()] },
    'the persistent definition was on the frozen layers; repaired',
  );
  await context.hypervisor.define(withSources(view.inactiveXml, stale));
}
