import { Field, Int, ObjectType } from 'type-graphql';

@ObjectType({ simpleResolvers: true, description: 'Where a page lies in its list (Relay).' })
export class PageInfo {
  @Field(() => Boolean, { description: 'There is more after this page.' })
  declare readonly hasNextPage: boolean;
  @Field(() => Boolean, { description: 'There is something before this page.' })
  declare readonly hasPreviousPage: boolean;
  @Field(() => String, { nullable: true, description: 'The cursor of the first element; null on an empty page.' })
  declare readonly startCursor: string | null;
  @Field(() => String, { nullable: true, description: 'The cursor of the last element; null on an empty page.' })
  declare readonly endCursor: string | null;
}

/** The connection type of the contract for one node type, without totalCount: counting the history would read all of it. */
export function uncountedConnectionType(name: string, node: () => object, typeName = `${name}Connection`) {
  @ObjectType(`${name}Edge`, { simpleResolvers: true, description: `One ${name} in a page, with its place.` })
  class Edge {
    @Field(() => String, { description: 'Give it as `after` to go on behind this element.' })
    declare readonly cursor: string;
    @Field(() => node(), { description: `The ${name}.` })
    declare readonly node: object;
  }

  @ObjectType(typeName, { simpleResolvers: true, description: `A page of ${name}s (Relay connection).` })
  class Connection {
    @Field(() => [Edge], { description: 'The elements with their cursors.' })
    declare readonly edges: readonly Edge[];
    @Field(() => [node()], { description: 'The elements without their cursors.' })
    declare readonly nodes: readonly object[];
    @Field(() => PageInfo, { description: 'Where this page lies.' })
    declare readonly pageInfo: PageInfo;
  }
  return Connection;
}

/** The connection type of the contract for one node type, with its edges. */
export function connectionType(name: string, node: () => object) {
  // The base is never referred to by a field, so its name does not reach the schema.
  const Base = uncountedConnectionType(name, node, `${name}ConnectionBase`);
  @ObjectType(`${name}Connection`, { simpleResolvers: true, description: `A page of ${name}s (Relay connection).` })
  class Connection extends Base {
    @Field(() => Int, { description: 'How many there are in all pages, of those that the caller may see and the filter lets through.' })
    declare readonly totalCount: number;
  }
  return Connection;
}
