import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { toProblem } from './problem';

const coded = (code: string) => new GraphQLError('A sentence.', { extensions: { code } });

describe('what an error means', () => {
  it('no session: by status or by code', () => {
    expect(toProblem({ graphQLErrors: [], response: { status: 401 } }).kind).toBe('signed-out');
    expect(toProblem({ graphQLErrors: [coded('UNAUTHENTICATED')] }).kind).toBe('signed-out');
  });

  it('no answer: the network, a gateway, or our own proxy says so', () => {
    expect(toProblem({ graphQLErrors: [], networkError: new Error('x') }).kind).toBe('unreachable');
    expect(toProblem({ graphQLErrors: [], response: { status: 502 } }).kind).toBe('unreachable');
    expect(toProblem({ graphQLErrors: [coded('API_UNREACHABLE')] }).kind).toBe('unreachable');
  });

  it("anything else keeps the API's sentence", () => {
    expect(toProblem({ graphQLErrors: [coded('BAD_USER_INPUT')], response: { status: 400 } })).toEqual({
      kind: 'failed',
      message: 'A sentence.',
    });
  });
});
