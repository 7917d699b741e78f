import { graphql } from '../../generated';

/** All hosts and storage pools, for an ADMIN. */
export const loadHosts = graphql(`
  query HostsPage_Load($first: Int!) {
    cursor
    hosts(first: $first) {
      totalCount
      nodes {
        id
        name
        state
        lastSeenAt
        agentVersion
        libvirtVersion
        qemuVersion
        cluster {
          id
          name
          zone {
            id
            name
          }
        }
        capabilities {
          name
          available
          enabled
          reason
        }
      }
    }
    storagePools(first: $first) {
      nodes {
        id
        name
        type
        supportsSnapshots
        capacityBytes
        availableBytes
      }
    }
  }
`);

/** Moves of hosts: each makes the list ask again. */
export const watchHosts = graphql(`
  subscription HostsPage_Watch($after: Cursor) {
    stateTransitions(filter: { subjectTypes: [HOST] }, after: $after) {
      cursor
      event {
        cursor
      }
    }
  }
`);
