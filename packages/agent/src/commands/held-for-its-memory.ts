import type { CommandContext } from './context.js';
import type { MachineView } from './machine-view.js';

/**
 * Whether a machine that runs has to stand still while its memory is saved or sent: QEMU before 9.0 loses writes of one whose processor it
 * computes (docs/decisions/0017). The host's administrator may say that its QEMU does not.
 */
export function isHeldForItsMemory({ facts, inForce }: MachineView, { settings }: CommandContext): boolean {
  return facts.power === 'ON' && inForce.isEmulated && settings.emulatedMemory === 'HELD';
}
