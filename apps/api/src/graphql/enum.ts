import { registerEnumType } from 'type-graphql';

/**
 * Registers an enum of the contract: names with what each means. The values that travel through the code are the names themselves, typed
 * by the record that holds them, so what comes back is only the token that `@Field(() => …)` refers to.
 */
export function defineEnum(name: string, description: string, values: Readonly<Record<string, string>>): Record<string, string> {
  const names = Object.fromEntries(Object.keys(values).map((value) => [value, value]));
  const valuesConfig = Object.fromEntries(Object.entries(values).map(([value, meaning]) => [value, { description: meaning }]));
  registerEnumType(names, { name, description, valuesConfig });
  return names;
}
