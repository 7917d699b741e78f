/** The machine's UEFI variables: put back from the snapshot's copy, and the present ones kept until the command is at its end. */
import { copyDurably } from '../../hypervisor/qemu-storage/copy-durably.js';
import { removeFile } from '../../hypervisor/qemu-storage/create-overlay.js';
import { type CommandContext, notesOf } from '../context.js';
import type { MachineView } from '../machine-view.js';
import type { SwitchPlan } from './switch-plan.js';

/** While the machine is off. Repeats do no harm: what is kept is what was there before the first of them. */
export async function putNvram({ nvramCopy }: SwitchPlan, { inactive }: MachineView, context: CommandContext): Promise<void> {
  const path = inactive.nvramPath;
  if (nvramCopy === null || path === null) return;
  if (notesOf(context, 'nvram-kept').length === 0) {
    const wasThere = await copyDurably(path, keptPath(path, context));
    await context.note('nvram-kept', { path, wasThere: String(wasThere) });
  }
  await copyDurably(nvramCopy, path);
}

/** The variables of before; nothing if they were not replaced. */
export async function takeNvramBack(context: CommandContext): Promise<void> {
  const kept = notesOf(context, 'nvram-kept').at(-1)?.detail;
  if (kept?.['path'] === undefined) return;
  if (kept['wasThere'] === 'true') await copyDurably(keptPath(kept['path'], context), kept['path']);
  else await removeFile(kept['path']);
  await dropKeptNvram(context);
}

/** At the end: the variables of before are of no use any more. */
export async function dropKeptNvram(context: CommandContext): Promise<void> {
  const path = notesOf(context, 'nvram-kept').at(-1)?.detail['path'];
  if (path !== undefined) await removeFile(keptPath(path, context));
}

function keptPath(path: string, { command }: CommandContext): string {
  return `${path}.before-${command.id}`;
}
