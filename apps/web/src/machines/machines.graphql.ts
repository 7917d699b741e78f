import { graphql } from '../../generated';

/** One row of the machines list. */
graphql(`
  fragment MachineRow on VirtualMachine {
    id
    name
    state
    powerState
    guestAgent
    project {
      id
      name
    }
    host {
      id
      name
    }
    drift {
      detectedAt
    }
    volumes {
      id
      virtualBytes
      allocatedBytes
    }
    snapshotTree {
      revision
      current {
        id
        name
      }
      nodes {
        id
        state
        createdAt
      }
      space {
        exclusiveBytes
        sharedBytes
        retainedBytes
      }
    }
    operation {
      id
      kind
      state
    }
  }
`);

/** One disk of a machine. */
graphql(`
  fragment VolumeRow on Volume {
    id
    name
    target
    virtualBytes
    allocatedBytes
    chainLength
    actions {
      action
      enabled
      code
      reason
    }
    pool {
      id
      name
      type
      supportsSnapshots
    }
  }
`);

/** The list, and the cursor from which to follow it. */
export const loadMachines = graphql(`
  query MachinesPage_Load($first: Int!, $after: String, $filter: VirtualMachineFilter) {
    cursor
    virtualMachines(first: $first, after: $after, filter: $filter) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        ...MachineRow
      }
    }
  }
`);

/** Every move of a machine or one of its snapshots, with the machine as it is now. */
export const watchMachines = graphql(`
  subscription MachinesPage_Watch($after: Cursor) {
    stateTransitions(filter: { subjectTypes: [VIRTUAL_MACHINE, VM_SNAPSHOT] }, after: $after) {
      cursor
      event {
        subjectId
        subjectType
        to
        subject {
          __typename
          ... on VirtualMachine {
            ...MachineRow
          }
          ... on VmSnapshot {
            virtualMachine {
              ...MachineRow
            }
          }
        }
      }
    }
  }
`);

/** All that the machine page shows beside its lists. */
export const loadMachine = graphql(`
  query MachinePage_Load($id: ID!) {
    cursor
    virtualMachine(id: $id) {
      id
      name
      state
      powerState
      guestAgent
      vcpus
      memoryBytes
      project {
        id
        name
      }
      host {
        id
        name
        state
      }
      drift {
        detectedAt
        findings {
          code
          message
          path
          repairable
          volume {
            id
            target
          }
        }
      }
      volumes {
        ...VolumeRow
      }
      operation {
        id
      }
      actions {
        action
        enabled
        code
        reason
      }
      snapshotTree {
        revision
        cursor
        depth
        current {
          id
        }
        head {
          since
          allocatedBytes
        }
        retainedLayers {
          bytes
          volume {
            id
            name
            target
          }
          readBy {
            id
            name
          }
        }
        space {
          exclusiveBytes
          sharedBytes
          retainedBytes
        }
        nodes {
          ...SnapshotNode
        }
      }
    }
  }
`);

/** Every transition of one machine: what makes the page ask again for what events do not carry. */
export const watchMachine = graphql(`
  subscription MachinePage_Watch($virtualMachineId: ID!, $after: Cursor) {
    stateTransitions(filter: { virtualMachineId: $virtualMachineId }, after: $after) {
      cursor
      event {
        cursor
        subjectType
        operation {
          id
        }
      }
    }
  }
`);
