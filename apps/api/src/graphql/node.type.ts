import { Field, ID, InterfaceType } from 'type-graphql';

/** What every record that is a Node of the contract carries: its type's name and its plain id. build-schema.ts makes the global id of it. */
export type NodeRecord = { __typename: string; id: string };

@InterfaceType('Node', {
  description: 'Anything with an id of its own (Relay Global Object Identification).',
  resolveType: (record: NodeRecord) => record.__typename,
})
export abstract class NodeInterface {
  @Field(() => ID, { description: 'Opaque and stable; good for `node` and for every field that takes an id of this type.' })
  declare readonly id: string;
}
