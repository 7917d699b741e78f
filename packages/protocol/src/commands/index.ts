/** What the API asks of an agent: one idempotent step under an id that never changes. One file per verb. */
import { z } from 'zod';
import { count, timestamp, uuid } from '../scalars.js';
import { copyLayer, copyLayerResult } from './copy-layer.js';
import { createLayers, createLayersResult } from './create-layers.js';
import { defineMachine, defineMachineResult } from './define-machine.js';
import { discardLayers, discardLayersResult } from './discard-layers.js';
import { freezeLayers, freezeLayersResult } from './freeze-layers.js';
import {
  changeDisk,
  changeDiskResult,
  changePower,
  changePowerResult,
  flattenLayer,
  flattenLayerResult,
  migrateMachine,
  migrateMachineResult,
  removeMachine,
  removeMachineResult,
  repairMachine,
  repairMachineResult,
  resizeMachine,
  resizeMachineResult,
} from './machine-commands.js';
import { mergeLayers, mergeLayersResult } from './merge-layers.js';
import { switchHeads, switchHeadsResult } from './switch-heads.js';

/** The step itself. */
export const commandBody = z.discriminatedUnion('verb', [
  createLayers,
  freezeLayers,
  switchHeads,
  mergeLayers,
  flattenLayer,
  copyLayer,
  discardLayers,
  changePower,
  resizeMachine,
  changeDisk,
  removeMachine,
  migrateMachine,
  repairMachine,
  defineMachine,
]);

/** A step's answer when it succeeded. */
export const commandResult = z.discriminatedUnion('verb', [
  createLayersResult,
  freezeLayersResult,
  switchHeadsResult,
  mergeLayersResult,
  flattenLayerResult,
  copyLayerResult,
  discardLayersResult,
  changePowerResult,
  resizeMachineResult,
  changeDiskResult,
  removeMachineResult,
  migrateMachineResult,
  repairMachineResult,
  defineMachineResult,
]);

/** API → agent. */
export const commandIssued = z.object({
  type: z.literal('command.issued'),
  id: uuid,
  /** Numbers grow per host within one incarnation of the database; see "forgotten" in PROTOCOL.md. */
  incarnation: uuid,
  number: count,
  /** The session it is sent in; an agent drops a command of another epoch than its present session's. */
  sessionEpoch: count,
  /** Raised by each operation on the machine; the agent keeps the highest on disk and refuses lower ones. */
  machineEpoch: count,
  /** Not begun by then: refused with HOST_UNAVAILABLE, nothing changed. Begun: it is finished whatever the time. */
  expiresAt: timestamp,
  body: commandBody,
});

/** API → agent: stop the command if it can be stopped. Sent again in each session while it is wanted; a command that has ended ignores it. */
export const commandCancelRequested = z.object({ type: z.literal('command.cancel-requested'), commandId: uuid });

export type CommandBody = z.infer<typeof commandBody>;
export type CommandVerb = CommandBody['verb'];
export type CommandResult = z.infer<typeof commandResult>;
export type CommandIssued = z.infer<typeof commandIssued>;
export { copyLayer, copyLayerResult } from './copy-layer.js';
export { chainLink, createLayers, createLayersResult } from './create-layers.js';
export { defineMachine, defineMachineResult } from './define-machine.js';
export { discardLayers, discardLayersResult } from './discard-layers.js';
export { freezeLayers, freezeLayersResult, machineDefinition } from './freeze-layers.js';
export * from './machine-commands.js';
export { mergeLayers, mergeLayersResult } from './merge-layers.js';
export { switchHeads, switchHeadsResult } from './switch-heads.js';
