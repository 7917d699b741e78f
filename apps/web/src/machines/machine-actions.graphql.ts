import { graphql } from '../../generated';

/** Starts a machine. */
export const startMachine = graphql(`
  mutation StartMachine_Start($input: VirtualMachineActionInput!) {
    startVirtualMachine(input: $input) {
      operation {
        id
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** Stops a machine, by asking the guest or by force. */
export const stopMachine = graphql(`
  mutation StopMachineDialog_Stop($input: StopVirtualMachineInput!) {
    stopVirtualMachine(input: $input) {
      operation {
        id
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** Changes processors and memory. */
export const resizeMachine = graphql(`
  mutation ResizeMachineDialog_Resize($input: ResizeVirtualMachineInput!) {
    resizeVirtualMachine(input: $input) {
      operation {
        id
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** Moves a machine to another host. */
export const migrateMachine = graphql(`
  mutation MigrateMachineDialog_Migrate($input: MigrateVirtualMachineInput!) {
    migrateVirtualMachine(input: $input) {
      operation {
        id
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** Destroys a machine with its snapshots. */
export const destroyMachine = graphql(`
  mutation DestroyMachineDialog_Destroy($input: VirtualMachineActionInput!) {
    destroyVirtualMachine(input: $input) {
      operation {
        id
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** Brings record and host together again. */
export const reconcileMachine = graphql(`
  mutation ReconcileDialog_Reconcile($input: ReconcileInput!) {
    reconcileVirtualMachine(input: $input) {
      operation {
        id
      }
      errors {
        ...UserErrorView
      }
    }
  }
`);

/** The hosts that a machine could move to, for an ADMIN. */
export const loadTargets = graphql(`
  query MigrateMachineDialog_Load($first: Int!) {
    hosts(first: $first) {
      nodes {
        id
        name
        state
        cluster {
          id
          name
        }
      }
    }
  }
`);
