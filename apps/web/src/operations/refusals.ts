/** Where in a form a refusal belongs. Pure. */

/** The input field that a refusal names: the last name in its path, indexes left out; null where it names none. */
export function fieldOf(error: { path?: readonly string[] | null | undefined }): string | null {
  return error.path?.filter((name) => name !== 'input' && !/^\d+$/.test(name)).at(-1) ?? null;
}

/** The sentence for one field, if a refusal names it. */
export function messageAt(
  errors: readonly { message: string; path?: readonly string[] | null | undefined }[],
  field: string,
): string | undefined {
  return errors.find((error) => fieldOf(error) === field)?.message;
}

/** The refusals that belong to none of these fields, and so go to the top. */
export function elsewhere<Refusal extends { path?: readonly string[] | null | undefined }>(
  errors: readonly Refusal[],
  fields: readonly string[],
): Refusal[] {
  return errors.filter((error) => !fields.includes(fieldOf(error) ?? ''));
}
