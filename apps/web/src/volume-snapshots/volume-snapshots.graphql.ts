import { graphql } from '../../generated';

/** One row of a machine's volume snapshots. */
graphql(`
  fragment VolumeSnapshotRow on VolumeSnapshot {
    id
    name
    kind
    state
    locked
    consistency
    virtualBytes
    physicalBytes
    createdAt
    volume {
      id
      name
      target
    }
    error {
      message
      hint
    }
    actions {
      action
      enabled
      code
      reason
    }
  }
`);

/** The newest volume snapshots of a machine, and the cursor from which to follow them. */
export const loadVolumeSnapshots = graphql(`
  query VolumeSnapshotList_Load($virtualMachineId: ID!, $first: Int!) {
    cursor
    volumeSnapshots(first: $first, filter: { virtualMachineId: $virtualMachineId }) {
      totalCount
      nodes {
        ...VolumeSnapshotRow
      }
    }
  }
`);

/** Every transition of the machine: its operations change what may be done with its volume snapshots. */
export const watchVolumeSnapshots = graphql(`
  subscription VolumeSnapshotList_Watch($virtualMachineId: ID!, $after: Cursor) {
    stateTransitions(filter: { virtualMachineId: $virtualMachineId }, after: $after) {
      cursor
      event {
        cursor
      }
    }
  }
`);

/** Takes one. */
export const createVolumeSnapshot = graphql(`
  mutation TakeVolumeSnapshotDialog_Create($input: CreateVolumeSnapshotInput!) {
    createVolumeSnapshot(input: $input) {
      operation {
        id
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** Removes one and its file. */
export const deleteVolumeSnapshot = graphql(`
  mutation DeleteVolumeSnapshotDialog_Delete($input: VolumeSnapshotActionInput!) {
    deleteVolumeSnapshot(input: $input) {
      operation {
        id
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);
