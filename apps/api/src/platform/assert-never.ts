/** The end of a switch over a union that is complete: the compiler says where it is not any more; at run time it names the value. */
export function assertNever(value: never): never {
  throw new Error(`a case is missing for ${JSON.stringify(value)}`);
}
