import type { Refusal, UserErrorCode } from '../errors/refusal.js';
import type { GraphQLContext } from './context.js';

/** A refusal as one of the contract's error types, with what that type carries. */
export type UserErrorView = { __typename: string; code: UserErrorCode; message: string; path: string[] | null } & Record<string, unknown>;

/**
 * The typed errors of a mutation's refusals. An error whose type promises something that cannot be shown (the operation belongs to
 * somebody else, no plan is at hand) is a plain Refused: the code says it all the same.
 */
export function toUserErrors(context: GraphQLContext, refusals: readonly Refusal[]): Promise<UserErrorView[]> {
  return Promise.all(refusals.map((refusal) => toUserError(context, refusal)));
}

async function toUserError(context: GraphQLContext, refusal: Refusal): Promise<UserErrorView> {
  const { code, message, path = null, limit, used, neededBytes, availableBytes, operationId, plan } = refusal;
  const plain = { code, message, path };
  switch (code) {
    case 'QUOTA_EXCEEDED':
      if (limit === undefined || used === undefined) break;
      return { __typename: 'QuotaExceeded', ...plain, limit: Number(limit), used: Number(used) };
    case 'INSUFFICIENT_SPACE':
      if (neededBytes === undefined || availableBytes === undefined) break;
      return { __typename: 'InsufficientSpace', ...plain, neededBytes: Number(neededBytes), availableBytes: Number(availableBytes) };
    case 'MACHINE_BUSY': {
      const operation = operationId === undefined ? null : await context.loaders.operation.load(operationId);
      if (operation === null) break;
      return { __typename: 'MachineBusy', ...plain, operation };
    }
    case 'PLAN_CHANGED':
      if (plan === undefined) break;
      return { __typename: 'PlanChanged', ...plain, plan };
    case 'INVALID_INPUT':
    case 'NAME_TAKEN':
      return { __typename: 'InputError', ...plain };
    default:
      break;
  }
  return { __typename: 'Refused', ...plain };
}
