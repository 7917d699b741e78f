'use client';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import type { MachineView } from '../machines/use-live-machine';
import { type PlanAnswer, type Planned, usePlan } from '../operations/use-plan';

type MachinePlan<Data, Input> = {
  document: TypedDocumentNode<Data, { input: Input }>;
  input: Input | null;
  read: (data: Data) => PlanAnswer;
};

/** A plan for a machine: what the machine does meanwhile can change it, refuse it, or allow it again, so each such change asks anew. */
export function useMachinePlan<Data, Input>(machine: MachineView, question: MachinePlan<Data, Input>): Planned {
  const since = [machine.state, machine.powerState, machine.operation?.id ?? '', machine.snapshotTree.revision].join(' ');
  return usePlan({ ...question, since });
}
