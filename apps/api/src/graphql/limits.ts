/** What a request may cost before it is run. Decided from the document alone, so that nothing is read for one that is refused. */
import {
  type ASTVisitor,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from './page.js';

/** Largest body of a request and largest message of a WebSocket, in bytes: the largest sensible document has a few thousand. */
export const MAX_REQUEST_BYTES = 256 * 1024;
/** Deepest field, the operation's own fields being 1. The dashboard's deepest query has 7. */
export const MAX_DEPTH = 15;
/** Fields after fragments are put in place; asking for the same thing by a hundred names is a field each. */
export const MAX_FIELDS = 1_000;
/** Fields times the sizes of the pages that they stand in: what the answer may have in the worst case. */
export const MAX_COST = 100_000;

/** The code of a request that was refused by a limit. */
export const TOO_LARGE = 'QUERY_TOO_LARGE';

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;
type Weight = { depth: number; fields: number; cost: number };

const NOTHING: Weight = { depth: 0, fields: 0, cost: 0 };

function refusal(message: string): GraphQLError {
  return new GraphQLError(`${message} Nothing was read; ask for less at once.`, { extensions: { code: TOO_LARGE } });
}

/** The validation rule that refuses what is too deep, too wide or too dear. */
export function limitsRule(context: ValidationContext): ASTVisitor {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of context.getDocument().definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  return {
    OperationDefinition(operation: OperationDefinitionNode): false {
      const known = new Map<string, Weight>();
      const { depth, fields, cost } = weigh(operation.selectionSet, { fragments, known, open: new Set() });
      if (depth > MAX_DEPTH) context.reportError(refusal(`The request is ${depth} fields deep; at most ${MAX_DEPTH} are allowed.`));
      if (fields > MAX_FIELDS) context.reportError(refusal(`The request has ${fields} fields; at most ${MAX_FIELDS} are allowed.`));
      if (cost > MAX_COST) {
        context.reportError(refusal(`The answer could have ${cost} fields, pages multiplied; at most ${MAX_COST} are allowed.`));
      }
      return false;
    },
  };
}

type Walk = { fragments: Fragments; known: Map<string, Weight>; open: Set<string> };

/** Each fragment is weighed once, however often it is spread: a document of nested spreads must not cost more to refuse than to read. */
function weigh(set: SelectionSetNode, walk: Walk): Weight {
  let total = NOTHING;
  for (const selection of set.selections) {
    switch (selection.kind) {
      case Kind.FIELD:
        total = sum(total, weighField(selection, walk));
        break;
      case Kind.INLINE_FRAGMENT:
        total = sum(total, weigh(selection.selectionSet, walk));
        break;
      case Kind.FRAGMENT_SPREAD:
        total = sum(total, weighSpread(selection.name.value, walk));
        break;
    }
  }
  return total;
}

function weighSpread(name: string, walk: Walk): Weight {
  const known = walk.known.get(name);
  if (known) return known;
  const fragment = walk.fragments.get(name);
  // A fragment that is not there, or spreads itself, is another rule's error.
  if (!fragment || walk.open.has(name)) return NOTHING;
  walk.open.add(name);
  const weight = weigh(fragment.selectionSet, walk);
  walk.open.delete(name);
  walk.known.set(name, weight);
  return weight;
}

function weighField(field: FieldNode, walk: Walk): Weight {
  if (!field.selectionSet) return { depth: 1, fields: 1, cost: 1 };
  const inner = weigh(field.selectionSet, walk);
  // The schema about itself is bounded by its own size: it counts fields, and depth does not make it dearer.
  const isIntrospection = field.name.value.startsWith('__');
  const times = pageOf(field);
  return {
    depth: isIntrospection ? 1 : inner.depth + 1,
    fields: inner.fields + 1,
    cost: Math.min(1 + inner.cost * times, Number.MAX_SAFE_INTEGER),
  };
}

/** Elements that a connection has at most; 1 for a field that is none. A variable may say anything, so it counts as the most. */
function pageOf(field: FieldNode): number {
  const first = field.arguments?.find((argument) => argument.name.value === 'first')?.value;
  if (first?.kind === Kind.INT) return Math.min(Number(first.value), MAX_PAGE_SIZE);
  if (first?.kind === Kind.VARIABLE) return MAX_PAGE_SIZE;
  const isConnection = field.selectionSet?.selections.some(
    (one) => one.kind === Kind.FIELD && ['edges', 'nodes', 'pageInfo'].includes(one.name.value),
  );
  return isConnection && field.name.value !== 'snapshotTree' ? DEFAULT_PAGE_SIZE : 1;
}

function sum(a: Weight, b: Weight): Weight {
  return { depth: Math.max(a.depth, b.depth), fields: a.fields + b.fields, cost: Math.min(a.cost + b.cost, Number.MAX_SAFE_INTEGER) };
}
