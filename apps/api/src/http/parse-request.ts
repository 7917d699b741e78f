import {
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  getOperationAST,
  type GraphQLSchema,
  OperationTypeNode,
  parse,
} from 'graphql';
import { z } from 'zod';
import type { Application } from '../graphql/application.js';
import { createContext } from '../graphql/context.js';
import { checkDocument } from '../graphql/execute.js';
import type { Principal } from '../access/principal.js';

/** Most tokens of a document: about five a field, so beyond MAX_FIELDS anyway; the parser stops there. */
export const MAX_TOKENS = 10_000;

/** A GraphQL request as every transport carries it. */
export const graphqlRequest = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
});

/** A checked request, ready to be run; or why not. */
export type Prepared = { args: ExecutionArgs; operation: OperationTypeNode } | { errors: readonly GraphQLError[] };

/** Parses and checks a request, then makes its context: the stream's head is read before anything that the answer holds. */
export async function prepare(
  wired: { app: Application; schema: GraphQLSchema },
  principal: Principal,
  request: z.infer<typeof graphqlRequest>,
): Promise<Prepared> {
  const document = parseDocument(request.query);
  if (document instanceof GraphQLError) return { errors: [document] };
  const errors = checkDocument(wired.schema, document);
  if (errors.length > 0) return { errors };
  const operation = getOperationAST(document, request.operationName);
  if (!operation) return { errors: [new GraphQLError('The document has no such operation. Name one of it in operationName.')] };
  const args: ExecutionArgs = {
    schema: wired.schema,
    document,
    variableValues: request.variables ?? {},
    operationName: request.operationName ?? null,
    contextValue: await createContext(wired.app, principal),
  };
  return { args, operation: operation.operation };
}

function parseDocument(query: string): DocumentNode | GraphQLError {
  try {
    return parse(query, { maxTokens: MAX_TOKENS });
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    throw error;
  }
}
