import type { Lifecycle } from './lifecycle.js';

/** The contract's TemplateState, and DELETED: the row is kept for the history, and nobody is shown it. */
export type TemplateState = 'CREATING' | 'READY' | 'DELETING' | 'DELETED' | 'ERROR';

/**
 *   CREATING ──▶ READY ◀──▶ DELETING ──▶ DELETED
 *      └──▶ ERROR ◀────────────┘
 *
 * A template in ERROR has no file that anybody may read; what is left of it goes by a delete. A delete that no host heard of changed nothing.
 */
export const TEMPLATE_LIFECYCLE: Lifecycle<TemplateState> = {
  CREATING: ['READY', 'ERROR'],
  READY: ['DELETING'],
  DELETING: ['DELETED', 'ERROR', 'READY'],
  DELETED: [],
  ERROR: ['DELETING'],
};
