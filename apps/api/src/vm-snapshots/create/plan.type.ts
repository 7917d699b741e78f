import { Field, Int, ObjectType } from 'type-graphql';
import { defineEnum } from '../../graphql/enum.js';
import { SafeInt } from '../../graphql/scalars.js';

/** The contract's PlanStepKind, whole: steps of later versions are named already, so that clients know them. */
export const PlanStepKind = defineEnum('PlanStepKind', 'What one step of a plan or operation does.', {
  CREATE_LAYER: 'Make an empty layer over the head of a volume.',
  FREEZE_LAYER: 'Stop writing a layer for good; its volume goes on in the new one.',
  SWITCH_HEAD: 'Point a volume at another head.',
  COMMIT_LAYER: 'Merge a layer into the one below it.',
  PULL_LAYER: 'Merge what lies below into a layer.',
  REBASE_LAYER: 'Point a layer at another one below it without moving data.',
  DISCARD_LAYER: 'Remove the file of a layer that nothing reads any more.',
  KEEP_SHARED_LAYER: 'Keep a layer that no snapshot names but several branches read.',
  DEFER_MERGE: 'Leave a merge until the machine stops, because it would be dearer or impossible while it runs.',
  FLATTEN_LAYER: 'Copy everything below into a layer.',
  QUIESCE_GUEST: 'Freeze the file systems of the guest through its agent.',
  THAW_GUEST: 'Thaw the file systems of the guest.',
  SAVE_MEMORY: 'Write the memory of the machine to a file.',
  RESTORE_MEMORY: 'Start the machine from its memory image.',
  DISCARD_MEMORY: 'Remove a memory image.',
  SAVE_DEFINITION: 'Keep the definition of the machine with the snapshot.',
  RESTORE_DEFINITION: 'Give the machine the definition of the snapshot.',
  DISCARD_SAVED_STATE: 'Remove the state that libvirt saved for the next start.',
  CARRY_BITMAPS: 'Carry dirty bitmaps over a merge.',
  DROP_CHECKPOINT: 'Remove a checkpoint.',
  DETACH_VOLUME: 'Take a volume off the machine and keep it.',
  STOP_MACHINE: 'Stop the machine.',
  START_MACHINE: 'Start the machine.',
  MIGRATE_MACHINE: 'Move the machine to another host.',
  BACK_UP_VOLUME: 'Copy a volume’s content out.',
  COPY_DATA: 'Copy data.',
  VERIFY_CHAIN: 'Look at every layer on disk and at the definition of the machine.',
  VERIFY_DATA: 'Read data back and compare its checksum.',
});

@ObjectType({ description: 'One step of a plan.' })
export class PlanStep {
  @Field(() => PlanStepKind, { description: 'What it does.' })
  declare readonly kind: string;
  @Field(() => String, { description: 'The same in a sentence for people.' })
  declare readonly description: string;
  @Field(() => SafeInt, { description: 'Bytes that it copies; an estimate, because a running machine keeps writing.' })
  declare readonly bytesToMove: number;
}

@ObjectType({
  simpleResolvers: true,
  description:
    'What an action would do, before it is done. The hash covers steps and their targets, not byte estimates (a running machine keeps writing); ' +
    'a mutation that is given it does exactly this or answers PLAN_CHANGED with the new plan.',
})
export class Plan {
  @Field(() => String, { description: 'Give it as planHash to do exactly this.' })
  declare readonly hash: string;
  @Field(() => [PlanStep], { description: 'The steps, in order.' })
  declare readonly steps: readonly object[];
  @Field(() => SafeInt, { description: 'Bytes that are copied in all; an estimate.' })
  declare readonly bytesToMove: number;
  @Field(() => SafeInt, { description: 'Bytes of storage that are free again afterwards; an estimate.' })
  declare readonly bytesFreed: number;
  @Field(() => SafeInt, { description: 'Most extra bytes of storage that are needed meanwhile.' })
  declare readonly peakExtraBytes: number;
  @Field(() => Int, { nullable: true, description: 'Seconds it should take; null where nothing is known to tell it from.' })
  declare readonly estimatedSeconds: number | null;
  @Field(() => Boolean, { description: 'The machine is stopped by it.' })
  declare readonly stopsMachine: boolean;
  @Field(() => Boolean, { description: 'What was written since the current snapshot is lost by it.' })
  declare readonly losesCurrentState: boolean;
  @Field(() => [String], { description: 'Sentences that somebody should read before doing it.' })
  declare readonly warnings: readonly string[];
}
