import { CommandProblem } from '../failure.js';
import type { MachineView } from './machine-view.js';

/** A managed save holds the machine as it was: what is changed now would be undone by its next start. Throws MACHINE_STATE. */
export function requireNoManagedSave({ facts }: MachineView): void {
  if (facts.power !== 'OFF' || !facts.hasManagedSave) return;
  throw new CommandProblem({
    code: 'MACHINE_STATE',
    message: `Machine ${facts.uuid} has a managed save image, which holds the machine as it was when it was saved. Nothing was changed.`,
    hint: 'Start the machine, or remove the image by reconciling the machine, then try again.',
  });
}
