/** What the public surface calls: use cases and sources, wired in compose.ts. Nothing here knows GraphQL. */
import type { AccessChanges } from '../access/access-changes.js';
import type { Principal } from '../access/principal.js';
import type { EventFeed } from '../events/event-feed.js';
import type { InstallationChanges } from '../hosts/installation-changes.js';
import type { MachineChanges } from '../machines/machine-changes.contract.js';
import type { OperationChanges } from '../operations/operation-changes.contract.js';
import type { OperationProgress } from '../operations/progress-bus.js';
import type { Database } from '../platform/database.js';
import type { Log } from '../platform/log.js';
import type { Templates } from '../templates/templates.contract.js';
import type { CloneVmSnapshot } from '../vm-snapshots/clone/clone-vm-snapshot.contract.js';
import type { CreateVmSnapshot } from '../vm-snapshots/create/create-vm-snapshot.contract.js';
import type { DeleteVmSnapshots } from '../vm-snapshots/delete/delete-vm-snapshots.contract.js';
import type { RevertToVmSnapshot } from '../vm-snapshots/revert/revert-to-vm-snapshot.contract.js';
import type { UpdateVmSnapshot } from '../vm-snapshots/update/update-vm-snapshot.js';
import type { VolumeSnapshots } from '../volume-snapshots/volume-snapshots.contract.js';
import type { FlattenVolume } from '../volumes/flatten/flatten-volume.contract.js';

/** Newest progress of running operations, as this replica has heard of it. */
export type ProgressSource = {
  latest(operationId: string): OperationProgress | null;
  subscribe(listener: (progress: OperationProgress) => void): () => void;
};

/** Everything that a resolver may reach. */
export type Application = {
  database: Database;
  log: Log;
  feed: EventFeed;
  progress: ProgressSource;
  /** The caller behind a token's id as it is now; null where the token is expired or revoked. */
  principalOf: (tokenId: string) => Promise<Principal | null>;
  access: AccessChanges;
  installation: InstallationChanges;
  machines: MachineChanges;
  createVmSnapshot: CreateVmSnapshot;
  revertToVmSnapshot: RevertToVmSnapshot;
  deleteVmSnapshots: DeleteVmSnapshots;
  cloneVmSnapshot: CloneVmSnapshot;
  templates: Templates;
  updateVmSnapshot: UpdateVmSnapshot;
  flattenVolume: FlattenVolume;
  volumeSnapshots: VolumeSnapshots;
  operations: OperationChanges;
};
