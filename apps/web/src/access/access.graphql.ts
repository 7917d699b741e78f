import { graphql } from '../../generated';

/** Who is signed in, and which projects they may see. */
export const loadViewer = graphql(`
  query AppShell_LoadViewer {
    viewer {
      id
      email
      isAdmin
      projects {
        role
        project {
          id
          name
        }
      }
    }
  }
`);
