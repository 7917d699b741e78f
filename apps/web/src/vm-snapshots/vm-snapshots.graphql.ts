import { graphql } from '../../generated';

/** One node of the tree, with everything the details show. */
graphql(`
  fragment SnapshotNode on VmSnapshot {
    id
    name
    description
    kind
    consistency
    state
    locked
    createdAt
    memoryBytes
    parent {
      id
    }
    createdBy {
      kind
      name
    }
    disks {
      target
      allocatedBytes
      layerPath
      volume {
        id
        name
      }
    }
    space {
      exclusiveBytes
      sharedBytes
      retainedBytes
    }
    definition {
      vcpus
      memoryBytes
      machineType
      firmware
      disks
    }
    error {
      code
      message
      retryable
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

/** What changed in one machine's tree. */
export const watchTree = graphql(`
  subscription SnapshotTree_Watch($virtualMachineId: ID!, $after: Cursor) {
    snapshotTreeChanged(virtualMachineId: $virtualMachineId, after: $after) {
      cursor
      revision
      kind
      snapshotId
      parentId
      currentId
      snapshot {
        ...SnapshotNode
      }
    }
  }
`);

/** What taking a snapshot would do. */
export const planSnapshot = graphql(`
  query TakeSnapshotDialog_Plan($input: CreateVmSnapshotInput!) {
    planCreateVmSnapshot(input: $input) {
      plan {
        ...PlanView
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** Takes the snapshot. */
export const createSnapshot = graphql(`
  mutation TakeSnapshotDialog_Create($input: CreateVmSnapshotInput!) {
    createVmSnapshot(input: $input) {
      snapshot {
        id
        name
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

/** What going back to a snapshot would do. */
export const planRevert = graphql(`
  query RevertDialog_Plan($input: RevertToVmSnapshotInput!) {
    planRevertToVmSnapshot(input: $input) {
      plan {
        ...PlanView
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** Goes back to a snapshot. */
export const revertToSnapshot = graphql(`
  mutation RevertDialog_Revert($input: RevertToVmSnapshotInput!) {
    revertToVmSnapshot(input: $input) {
      operation {
        id
      }
      safetySnapshot {
        id
        name
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** What deleting snapshots would do. */
export const planDelete = graphql(`
  query DeleteSnapshotsDialog_Plan($input: DeleteVmSnapshotsInput!) {
    planDeleteVmSnapshots(input: $input) {
      plan {
        ...PlanView
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** Deletes snapshots. */
export const deleteSnapshots = graphql(`
  mutation DeleteSnapshotsDialog_Delete($input: DeleteVmSnapshotsInput!) {
    deleteVmSnapshots(input: $input) {
      snapshots {
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

/** Name, description, lock. */
export const updateSnapshot = graphql(`
  mutation EditSnapshotDialog_Update($input: UpdateVmSnapshotInput!) {
    updateVmSnapshot(input: $input) {
      snapshot {
        id
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);
