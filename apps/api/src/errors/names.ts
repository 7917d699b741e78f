import type { Refusal } from './refusal.js';

/** Longest name of anything that people name, in characters. */
const MAX_NAME = 128;

/** Null where the text can be a name: 1 to 128 characters unless told, no control characters, no blank at either end. */
export function refusalOfName(text: string, field: string, longest = MAX_NAME): Refusal | null {
  const { length } = Array.from(text);
  const isGood = length >= 1 && length <= longest && text.trim() === text && !/[\p{Cc}\p{Cs}]/u.test(text);
  if (isGood) return null;
  const message = `A name has 1 to ${longest} characters, no control characters and no blank at either end. Nothing was changed.`;
  return { code: 'INVALID_INPUT', message, path: [field] };
}

/** The name is used already. */
export function nameTaken(what: string, name: string, field: string): Refusal {
  return {
    code: 'NAME_TAKEN',
    message: `There is already ${what} named “${name}”. Nothing was changed; choose another name.`,
    path: [field],
  };
}
