import type { CombinedError } from '@urql/core';

/** Why an answer did not come, as far as it changes what is shown. `message` is a sentence for people. */
export type Problem = { kind: 'unreachable' | 'signed-out' | 'failed'; message: string };

const UNREACHABLE = 'The connection to Coppice is lost. Trying again by itself.';
const SIGNED_OUT = 'Your session has ended. Sign in again to go on.';

/** Sorts an urql error: no answer at all, no session, or a request that the API could not carry out. */
export function toProblem(error: Pick<CombinedError, 'graphQLErrors' | 'networkError' | 'response'>): Problem {
  const codes = error.graphQLErrors.map((each) => each.extensions.code);
  const status: unknown = error.response?.status;
  if (status === 401 || codes.includes('UNAUTHENTICATED')) return { kind: 'signed-out', message: SIGNED_OUT };
  if (codes.includes('API_UNREACHABLE') || (typeof status === 'number' && status >= 500))
    return { kind: 'unreachable', message: UNREACHABLE };
  const [first] = error.graphQLErrors;
  if (first) return { kind: 'failed', message: first.message };
  return { kind: 'unreachable', message: UNREACHABLE };
}
