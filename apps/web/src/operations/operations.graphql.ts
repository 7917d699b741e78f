import { graphql } from '../../generated';

/** An operation with its steps, as it is now. */
graphql(`
  fragment OperationView on Operation {
    id
    kind
    state
    revision
    phase
    createdAt
    startedAt
    finishedAt
    cancelable
    cancelEffect
    progress {
      percent
      bytesDone
      bytesTotal
      bytesPerSecond
      etaSeconds
    }
    steps {
      kind
      description
      state
      startedAt
      finishedAt
      volume {
        id
        target
      }
      progress {
        percent
        bytesDone
        bytesTotal
        bytesPerSecond
        etaSeconds
      }
    }
    error {
      code
      message
      retryable
      hint
    }
    startedBy {
      kind
      name
    }
    virtualMachine {
      id
      name
    }
    subject {
      __typename
      id
      ... on VmSnapshot {
        name
      }
    }
  }
`);

/** What an action would do. */
graphql(`
  fragment PlanView on Plan {
    hash
    bytesToMove
    bytesFreed
    peakExtraBytes
    estimatedSeconds
    stopsMachine
    losesCurrentState
    warnings
    steps {
      kind
      description
      bytesToMove
      volume {
        id
        name
        target
      }
      snapshots {
        id
        name
      }
    }
  }
`);

/** A refusal, with what its kind adds. */
graphql(`
  fragment UserErrorView on UserError {
    __typename
    code
    message
    path
    ... on MachineBusy {
      operation {
        id
        kind
        phase
        startedBy {
          name
        }
        subject {
          __typename
          id
          ... on VmSnapshot {
            name
          }
        }
      }
    }
    ... on InsufficientSpace {
      neededBytes
      availableBytes
    }
    ... on QuotaExceeded {
      limit
      used
    }
    ... on PlanChanged {
      plan {
        ...PlanView
      }
    }
  }
`);

/** An operation as it is at this moment: what a cancel would leave changes without a step being done. */
export const loadOperation = graphql(`
  query CancelOperationDialog_Load($id: ID!) {
    node(id: $id) {
      __typename
      ... on Operation {
        ...OperationView
      }
    }
  }
`);

/** Stops an operation as far as that is possible. */
export const cancelOperation = graphql(`
  mutation CancelOperationDialog_Cancel($input: OperationActionInput!) {
    cancelOperation(input: $input) {
      operation {
        ...OperationView
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** Goes on with a failed operation at its first step that is not done. */
export const retryOperation = graphql(`
  mutation OperationPanel_Retry($input: OperationActionInput!) {
    retryOperation(input: $input) {
      operation {
        ...OperationView
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** One operation as it goes on. */
export const watchOperation = graphql(`
  subscription OperationPanel_Watch($operationIds: [ID!]!) {
    operationProgress(filter: { operationIds: $operationIds }) {
      ...OperationView
    }
  }
`);

/** Operations, newest first. */
export const loadOperations = graphql(`
  query OperationList_Load($first: Int!, $after: String, $filter: OperationFilter) {
    cursor
    operations(first: $first, after: $after, filter: $filter) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        ...OperationView
      }
    }
  }
`);

/** One move of a state machine, for people. */
graphql(`
  fragment TransitionView on StateTransition {
    cursor
    at
    subjectId
    subjectType
    from
    to
    event
    reason
    actor {
      kind
      name
    }
    operation {
      id
      kind
    }
    subject {
      __typename
      id
      ... on VmSnapshot {
        snapshotName: name
        snapshotMachine: virtualMachine {
          id
          name
        }
      }
      ... on VirtualMachine {
        machineName: name
      }
      ... on Operation {
        kind
        operationMachine: virtualMachine {
          id
          name
        }
      }
      ... on Host {
        hostName: name
      }
      ... on Volume {
        volumeName: name
      }
      ... on VolumeSnapshot {
        volumeSnapshotName: name
      }
    }
  }
`);

/** The history, newest first, and the cursor from which it goes on. */
export const loadTransitions = graphql(`
  query ActivityFeed_Load($first: Int!, $after: String, $filter: TransitionFilter) {
    cursor
    stateTransitions(first: $first, after: $after, filter: $filter) {
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        ...TransitionView
      }
    }
  }
`);

/** What happens from now on. */
export const watchTransitions = graphql(`
  subscription ActivityFeed_Watch($filter: TransitionFilter, $after: Cursor) {
    stateTransitions(filter: $filter, after: $after) {
      cursor
      event {
        ...TransitionView
      }
    }
  }
`);
