import { defineEnum } from '../graphql/enum.js';

/** The contract's Role. */
export const Role = defineEnum('Role', 'What somebody may do. ADMIN is global (runs the installation); the others are per project.', {
  VIEWER: 'Reads what the project owns.',
  OPERATOR: 'VIEWER, and takes, names and locks snapshots.',
  OWNER: 'OPERATOR, and has the project’s members and tokens.',
  ADMIN: 'Everything, in every project, and the installation itself. Never a role within a project.',
});

/** The contract's ActorKind. */
export const ActorKind = defineEnum('ActorKind', 'What kind of actor did something.', {
  USER: 'A person, by a personal token or a session.',
  TOKEN: 'A program, by a token of a project or of the installation.',
  POLICY: 'A snapshot policy.',
  HOST: 'A host reported it.',
  SYSTEM: 'Coppice itself.',
});
