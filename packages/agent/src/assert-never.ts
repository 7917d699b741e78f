/** Marks a union as handled in full: a new member fails to compile. Throws if a value got here all the same. */
export function assertNever(value: never): never {
  throw new Error(`a value that no case covers: ${JSON.stringify(value)}`);
}
