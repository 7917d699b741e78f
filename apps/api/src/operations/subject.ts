import type { NodeType } from '../graphql/global-id.js';

const NODE_TYPE_OF: ReadonlyMap<string, NodeType> = new Map([
  ['VIRTUAL_MACHINE', 'VirtualMachine'],
  ['VM_SNAPSHOT', 'VmSnapshot'],
  ['VOLUME', 'Volume'],
  ['VOLUME_SNAPSHOT', 'VolumeSnapshot'],
  ['TEMPLATE', 'Template'],
  ['OPERATION', 'Operation'],
  ['HOST', 'Host'],
]);

/** The node type of a SubjectType; null for those that have no node in this version. */
export function nodeTypeOf(subjectType: string | null): NodeType | null {
  return subjectType === null ? null : (NODE_TYPE_OF.get(subjectType) ?? null);
}
