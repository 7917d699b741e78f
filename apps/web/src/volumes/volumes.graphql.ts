import { graphql } from '../../generated';

/** Attaches a volume to a machine. */
export const attachVolume = graphql(`
  mutation AttachVolumeDialog_Attach($input: AttachVolumeInput!) {
    attachVolume(input: $input) {
      operation {
        id
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** Detaches a volume; it is kept. */
export const detachVolume = graphql(`
  mutation DetachVolumeDialog_Detach($input: VolumeActionInput!) {
    detachVolume(input: $input) {
      operation {
        id
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** Copies into the head what it reads from below. */
export const flattenVolume = graphql(`
  mutation FlattenVolumeDialog_Flatten($input: FlattenVolumeInput!) {
    flattenVolume(input: $input) {
      operation {
        id
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** Volumes of a project that no machine has. */
export const loadDetached = graphql(`
  query AttachVolumeDialog_Load($first: Int!, $filter: VolumeFilter) {
    volumes(first: $first, filter: $filter) {
      totalCount
      nodes {
        ...VolumeRow
      }
    }
  }
`);
