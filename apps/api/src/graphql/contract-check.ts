import { type DefinitionNode, type FieldDefinitionNode, type InputValueDefinitionNode, Kind, parse, print } from 'graphql';

type Members = Map<string, string>;

/** One line per member of a schema: `Type.field` → its type, `Type.field(argument)` → its type and default, `Enum.VALUE`, `Type implements I`. */
function membersOf(sdl: string): Members {
  const members: Members = new Map();
  for (const definition of parse(sdl).definitions) addDefinition(members, definition);
  return members;
}

function addDefinition(members: Members, definition: DefinitionNode): void {
  switch (definition.kind) {
    case Kind.OBJECT_TYPE_DEFINITION:
    case Kind.INTERFACE_TYPE_DEFINITION:
      members.set(definition.name.value, definition.kind);
      for (const one of definition.interfaces ?? []) members.set(`${definition.name.value} implements ${one.name.value}`, '');
      for (const field of definition.fields ?? []) addField(members, definition.name.value, field);
      break;
    case Kind.INPUT_OBJECT_TYPE_DEFINITION:
      members.set(definition.name.value, definition.kind);
      for (const field of definition.fields ?? []) addInput(members, `${definition.name.value}.${field.name.value}`, field);
      break;
    case Kind.ENUM_TYPE_DEFINITION:
      members.set(definition.name.value, definition.kind);
      for (const value of definition.values ?? []) members.set(`${definition.name.value}.${value.name.value}`, '');
      break;
    case Kind.SCALAR_TYPE_DEFINITION:
    case Kind.UNION_TYPE_DEFINITION:
      members.set(definition.name.value, definition.kind);
      break;
    default:
      break;
  }
}

function addField(members: Members, type: string, field: FieldDefinitionNode): void {
  const name = `${type}.${field.name.value}`;
  members.set(name, print(field.type));
  for (const argument of field.arguments ?? []) addInput(members, `${name}(${argument.name.value})`, argument);
}

function addInput(members: Members, name: string, input: InputValueDefinitionNode): void {
  members.set(name, `${print(input.type)}${input.defaultValue ? ` = ${print(input.defaultValue)}` : ''}`);
}

/** A member of both that differs. */
export type Difference = { member: string; contract: string; emitted: string };

/** What the emitted schema says otherwise than the contract, and what of the contract it does not have yet. */
export function compareWithContract(contract: string, emitted: string): { differs: Difference[]; missing: string[] } {
  const promised = membersOf(contract);
  const made = membersOf(emitted);
  const differs: Difference[] = [];
  const missing: string[] = [];
  for (const [member, type] of promised) {
    const ours = made.get(member);
    if (ours === undefined) missing.push(member);
    else if (ours !== type) differs.push({ member, contract: type, emitted: ours });
  }
  return { differs, missing };
}

/** Members that clients must give though the contract does not know them: each of them would break a client of the contract. */
export function strictAdditions(contract: string, emitted: string): string[] {
  const promised = membersOf(contract);
  return [...membersOf(emitted)]
    .filter(([member, type]) => !promised.has(member) && isRequiredInput(promised, member, type))
    .map(([member]) => member);
}

function isRequiredInput(promised: Members, member: string, type: string): boolean {
  if (!type.endsWith('!')) return false;
  const argument = /^(.*)\(.*\)$/.exec(member);
  if (argument?.[1]) return promised.has(argument[1]);
  const owner = member.split('.')[0] ?? '';
  return promised.get(owner) === Kind.INPUT_OBJECT_TYPE_DEFINITION;
}
