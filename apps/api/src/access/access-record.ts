import type { NewTransition } from '../events/transition.js';
import type { Principal } from './principal.js';

/** The transition that tells every replica, in its place in the stream, that somebody's access changed. It is never shown. */
export function accessChanged(principal: Principal, change: { projectId: string | null; subjectId: string; event: string }): NewTransition {
  return {
    ...change,
    virtualMachineId: null,
    subjectType: 'ACCESS',
    from: null,
    to: 'CHANGED',
    reason: null,
    actor: principal.actor,
    operationId: null,
    treeChanges: [],
  };
}
