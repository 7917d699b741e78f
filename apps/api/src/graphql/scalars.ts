import { GraphQLScalarType, Kind } from 'graphql';
import { GraphQLDateTime, GraphQLSafeInt } from 'graphql-scalars';

/** A moment, ISO 8601 with its offset. */
export const DateTime = GraphQLDateTime;

/** A whole number that JSON carries exactly (±2^53 − 1); every amount of bytes is one. */
export const SafeInt = GraphQLSafeInt;

/** Longer than any cursor that was ever given out (36 + 1 + 18 characters in base64url). */
const LONGEST_CURSOR = 100;

function cursorText(value: unknown): string {
  if (typeof value !== 'string' || value.length > LONGEST_CURSOR) throw new TypeError('A cursor is a text that this API gave out before.');
  return value;
}

/** Opaque place in the stream of transitions. What is inside is events/event-feed.ts's business. */
export const Cursor = new GraphQLScalarType({
  name: 'Cursor',
  description:
    'Opaque position in the one stream of transitions; grows in commit order, survives restarts, valid on every API replica and for every ' +
    'subscription. One that is not known any more is refused with CURSOR_EXPIRED.',
  serialize: cursorText,
  parseValue: cursorText,
  parseLiteral: (node) => cursorText(node.kind === Kind.STRING ? node.value : undefined),
});
