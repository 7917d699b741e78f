import { graphql } from '../../generated';

/** One disk of a machine. */
export const volumeRow = graphql(`
  fragment VolumeRow on Volume {
    id
    name
    target
    virtualBytes
    allocatedBytes
    chainLength
    pool {
      id
      name
      type
      supportsSnapshots
    }
  }
`);
