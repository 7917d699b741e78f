import { z } from 'zod';
import { USER_ERROR_CODES } from '../errors/refusal.js';

/** Why an operation or a snapshot failed, as it is stored (JSON) and shown: a sentence, whether retrying can help, and what to do. */
export const operationError = z.object({
  code: z.enum(USER_ERROR_CODES),
  message: z.string(),
  retryable: z.boolean(),
  hint: z.string().nullable(),
});
export type OperationError = z.infer<typeof operationError>;
