/** How a checked request is run, the same for every transport. */
import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  specifiedRules,
  validate,
} from 'graphql';
import type { Log } from '../platform/log.js';
import type { Application } from './application.js';
import { createContext } from './context.js';
import { limitsRule } from './limits.js';
import { maskError } from './masked-errors.js';
import type { StreamItem } from './stream.js';

/** GraphQL's own rules and our limits. */
export function checkDocument(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
  return validate(schema, document, [limitsRule, ...specifiedRules]);
}

/** An answer whose errors may be shown. */
export function masked(result: ExecutionResult, log: Log): ExecutionResult {
  return result.errors ? { ...result, errors: result.errors.map((error) => maskError(error, log)) } : result;
}

/** Runs a query or mutation. */
export async function executeMasked(args: ExecutionArgs, log: Log): Promise<ExecutionResult> {
  return masked(await execute(args), log);
}

/**
 * Runs a subscription. Every event is resolved in a context of its own: with the caller as it was when access to this event was
 * checked, and with loaders that remember nothing of the event before. An error of the stream is its last message.
 */
export async function subscribeMasked(
  app: Application,
  args: ExecutionArgs,
): Promise<AsyncGenerator<ExecutionResult, void, void> | ExecutionResult> {
  const source = await createSourceEventStream(args);
  if (!(Symbol.asyncIterator in source)) return masked(source, app.log);
  if (!isItems(source)) throw new Error('a subscription’s source is not one of ours (graphql/stream.ts)');
  return answers(app, args, source);
}

/** Our subscribe functions yield nothing else (graphql/stream.ts); graphql-js has forgotten the type on the way. */
function isItems(source: AsyncIterable<unknown>): source is AsyncGenerator<StreamItem<unknown>, void, void> {
  return 'return' in source && 'next' in source;
}

function answers(
  app: Application,
  args: ExecutionArgs,
  source: AsyncGenerator<StreamItem<unknown>, void, void>,
): AsyncGenerator<ExecutionResult, void, void> {
  const inner = answer(app, args, source);
  return {
    next: () => inner.next(),
    // The source first: the generator above it waits for the source's news and could not hear otherwise.
    return: async () => {
      await source.return();
      return inner.return();
    },
    throw: (error: unknown) => inner.throw(error),
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await source.return();
    },
  };
}

async function* answer(
  app: Application,
  args: ExecutionArgs,
  source: AsyncGenerator<StreamItem<unknown>, void, void>,
): AsyncGenerator<ExecutionResult, void, void> {
  try {
    for await (const item of source) {
      const contextValue = await createContext(app, item.principal);
      yield await executeMasked({ ...args, rootValue: item.value, contextValue }, app.log);
    }
  } catch (cause) {
    yield { errors: [maskStreamError(app, cause)] };
  }
}

function maskStreamError(app: Application, cause: unknown): GraphQLError {
  if (cause instanceof GraphQLError) return cause;
  const original = cause instanceof Error ? cause : new Error(String(cause));
  return maskError(new GraphQLError('the stream failed', { originalError: original, path: [] }), app.log);
}
