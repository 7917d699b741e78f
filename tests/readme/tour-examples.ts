import { Kind, OperationTypeNode, parse } from 'graphql';

/** One example of the README's tour: `<!-- tour: NAME -->` (or `NAME admin`), then a ```graphql block. */
export interface TourExample {
  readonly name: string;
  /** It needs the installation's token; else the tenant's is used. */
  readonly asAdmin: boolean;
  readonly document: string;
  readonly operation: OperationTypeNode;
  /** Names of its variables, without the dollar sign. */
  readonly variables: readonly string[];
}

const EXAMPLE = /<!--\s*tour:\s*([\w-]+)( admin)?\s*-->\s*```graphql\n([\s\S]*?)```/g;
const BLOCK = /```graphql\n/g;

/** All examples in order. Throws if a graphql block has no marker: an example that is not run is an example that rots. */
export function tourExamples(markdown: string): readonly TourExample[] {
  const examples = [...markdown.matchAll(EXAMPLE)].map(([, name, admin, document]) =>
    readExample(name ?? '', admin !== undefined, document ?? ''),
  );
  const blocks = [...markdown.matchAll(BLOCK)].length;
  if (blocks !== examples.length) throw new Error(`${blocks} graphql blocks, but ${examples.length} have a tour marker before them`);
  return examples;
}

function readExample(name: string, asAdmin: boolean, document: string): TourExample {
  const definition = parse(document).definitions.find((one) => one.kind === Kind.OPERATION_DEFINITION);
  if (definition === undefined) throw new Error(`the tour's example ${name} has no operation`);
  const variables = (definition.variableDefinitions ?? []).map((one) => one.variable.name.value);
  return { name, asAdmin, document, operation: definition.operation, variables };
}

/** Values for the variables of an example, by their names. Throws for a name that nothing is known of. */
export function valuesFor(example: TourExample, known: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries(
    example.variables.map((name): [string, string] => {
      const value = known.get(name);
      if (value === undefined)
        throw new Error(`the tour's example ${example.name} has a variable $${name} that no earlier answer explains`);
      return [name, value];
    }),
  );
}
