import { graphql } from '../../generated';

/** Makes a machine from a snapshot. */
export const cloneSnapshot = graphql(`
  mutation CloneDialog_Clone($input: CloneVmSnapshotInput!) {
    cloneVmSnapshot(input: $input) {
      virtualMachine {
        id
      }
      operation {
        id
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** Makes a template of a snapshot. */
export const createTemplate = graphql(`
  mutation TemplateDialog_Create($input: CreateTemplateInput!) {
    createTemplate(input: $input) {
      template {
        id
      }
      operation {
        id
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);
