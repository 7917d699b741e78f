/** Errors of a request as a whole, or of a stream: GraphQL errors with a code. Refusals of a mutation are data instead (user-error.type.ts). */
import { GraphQLError } from 'graphql';

/** No valid token. HTTP 401; a WebSocket is closed with 4401 or 4403. */
export function unauthenticated(): GraphQLError {
  return new GraphQLError('No valid access token was given. Send `Authorization: Bearer <token>`, or sign in to get the session cookie.', {
    extensions: { code: 'UNAUTHENTICATED', http: { status: 401 } },
  });
}

/** An argument out of its bounds. */
export function badInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}

/** What is watched is not there, or is another project's, which must look the same. */
export function notFound(what: string): GraphQLError {
  return new GraphQLError(`${what} was not found.`, { extensions: { code: 'NOT_FOUND' } });
}

/** The cursor cannot be resumed from. */
export function cursorExpired(): GraphQLError {
  return new GraphQLError(
    'This cursor is not known any more. Nothing was replayed: read the data and its cursor again, then follow from that.',
    {
      extensions: { code: 'CURSOR_EXPIRED' },
    },
  );
}

/** The caller lost access while a stream was open. */
export function accessLost(): GraphQLError {
  return new GraphQLError(
    'Your access changed, so this stream ended. Nothing later than the change was sent: subscribe again for what you may see now.',
    {
      extensions: { code: 'FORBIDDEN' },
    },
  );
}
