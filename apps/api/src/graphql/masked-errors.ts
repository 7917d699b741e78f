import { GraphQLError } from 'graphql';
import { newId } from '../platform/ids.js';
import type { Log } from '../platform/log.js';

/** The innermost cause that a resolver threw. */
function causeOf(error: GraphQLError): unknown {
  let cause: unknown = error;
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError;
  return cause;
}

/**
 * What a client is told of an error. Errors that were made for clients pass; anything else is a fault of ours: the client gets an id,
 * the log gets the rest, and no text, path or statement of the inside goes out.
 */
export function maskError(error: GraphQLError, log: Log): GraphQLError {
  const cause = causeOf(error);
  // Without a path it did not come from a resolver: a value of a variable that does not fit is the client's to see.
  const isForClients = cause instanceof GraphQLError || error.path === undefined;
  if (isForClients) return error;
  return internalError(cause, log, { nodes: error.nodes, path: error.path });
}

/** The error that stands for a fault of ours; the fault itself goes to the log under the same id. */
export function internalError(
  cause: unknown,
  log: Log,
  at: { nodes?: GraphQLError['nodes']; path?: GraphQLError['path'] } = {},
): GraphQLError {
  const id = newId();
  log.error({ err: cause, errorId: id, path: at.path }, 'a request failed by a fault of ours');
  const message = `Something went wrong inside Coppice. What was asked may or may not have been done: look before you try again. Error ${id}.`;
  return new GraphQLError(message, { ...at, extensions: { code: 'INTERNAL', id } });
}
