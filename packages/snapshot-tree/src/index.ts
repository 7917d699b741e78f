/** The two models, lifecycles, planners and checks: pure. No dependency, no I/O, no clock, no chance. */
export * from './check/check-forest.js';
export * from './lifecycle/lifecycle.js';
export * from './lifecycle/operation.js';
export * from './lifecycle/vm-snapshot.js';
export * from './model/extents.js';
export * from './model/forest-record.js';
export * from './model/layer-forest.js';
export * from './model/snapshot-tree.js';
export * from './model/space.js';
export * from './plan/delete-plan.js';
export * from './plan/layer-file-name.js';
export * from './plan/merge.js';
export * from './plan/plan.js';
export * from './plan/plan-create.js';
export * from './plan/plan-delete.js';
export * from './plan/plan-revert.js';
export * from './plan/revert-plan.js';
export { DEFER_FACTOR, REST_LIMIT_BYTES } from './plan/choose-merge.js';
