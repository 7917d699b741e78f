/** Wires what lives below the public surface: database, stream, operations, hosts. By hand, in one place, no container. */
import { CloseCode } from '@coppice/protocol';
import { type Agents, createAgents } from './agents/agents.js';
import type { AgentSocket } from './agents/agent-socket.js';
import type { EventFeed } from './events/event-feed.js';
import { POLL_MS } from './events/limits.js';
import { LiveEventFeed } from './events/live-event-feed.js';
import { createRelay } from './events/relay.js';
import { StreamTail } from './events/stream-tail.js';
import { EVENTS_CHANNEL, notify } from './events/transition.store.js';
import { createWrite, type Write } from './events/write.js';
import { SESSIONS_CHANNEL } from './hosts/admission.store.js';
import { createInstallation } from './hosts/installation.js';
import type { InstallationChanges } from './hosts/installation-changes.js';
import { replicaLock } from './hosts/liveness.store.js';
import { createMachineChanges, machineRetriers, machineWorks } from './machines/machine-changes.js';
import type { MachineChanges } from './machines/machine-changes.contract.js';
import { createOperationChanges } from './operations/change-operation.js';
import type { OperationChanges } from './operations/operation-changes.contract.js';
import type { StartOptions } from './operations/start-operation.js';
import { OperationEngine } from './operations/operation-engine.js';
import { PROGRESS_CHANNEL, ProgressBus } from './operations/progress-bus.js';
import type { Clock } from './platform/clock.js';
import { coalesced } from './platform/coalesced.js';
import { type Database, openDatabase } from './platform/database.js';
import { Listener } from './platform/listener.js';
import type { Log } from './platform/log.js';
import { createTemplates, templateWorks } from './templates/templates.js';
import type { Templates } from './templates/templates.contract.js';
import { createCloneVmSnapshot } from './vm-snapshots/clone/clone-vm-snapshot.js';
import type { CloneVmSnapshot } from './vm-snapshots/clone/clone-vm-snapshot.contract.js';
import { cloneVmSnapshotWork } from './vm-snapshots/clone/clone-work.js';
import { createCreateVmSnapshot } from './vm-snapshots/create/create-vm-snapshot.js';
import type { CreateVmSnapshot } from './vm-snapshots/create/create-vm-snapshot.contract.js';
import { createVmSnapshotWork } from './vm-snapshots/create/create-work.js';
import { createRetrier } from './vm-snapshots/create/retry-create.js';
import { CONSOLIDATE_SWEEP_MS, createConsolidation } from './vm-snapshots/delete/consolidate.js';
import { consolidateRetrier, deleteRetrier } from './vm-snapshots/delete/retry-delete.js';
import { consolidateWork, deleteVmSnapshotsWork } from './vm-snapshots/delete/delete-work.js';
import { createDeleteVmSnapshots } from './vm-snapshots/delete/delete-vm-snapshots.js';
import type { DeleteVmSnapshots } from './vm-snapshots/delete/delete-vm-snapshots.contract.js';
import { revertRetrier } from './vm-snapshots/revert/retry-revert.js';
import { createRevertToVmSnapshot } from './vm-snapshots/revert/revert-to-vm-snapshot.js';
import type { RevertToVmSnapshot } from './vm-snapshots/revert/revert-to-vm-snapshot.contract.js';
import { revertToVmSnapshotWork } from './vm-snapshots/revert/revert-work.js';
import { MEASURE_CHANNEL, MEASURE_SWEEP_MS, Measuring } from './volumes/measure/measuring.js';
import { createVolumeSnapshotWork } from './volume-snapshots/create/create-work.js';
import { deleteVolumeSnapshotWork } from './volume-snapshots/delete/delete-work.js';
import { createVolumeSnapshots } from './volume-snapshots/volume-snapshots.js';
import type { VolumeSnapshots } from './volume-snapshots/volume-snapshots.contract.js';
import { createFlattenVolume } from './volumes/flatten/flatten-volume.js';
import type { FlattenVolume } from './volumes/flatten/flatten-volume.contract.js';
import { flattenRetrier, flattenVolumeWork } from './volumes/flatten/flatten-work.js';

/** Where a process keeps its record: its client, and what listens (`lock`: held while it does). PostgreSQL, or the simulator's own. */
type Connected = { database: Database; listen: (lock: string, handlers: ConstructorParameters<typeof Listener>[1]) => Listening };
type Listening = Pick<Listener, 'start' | 'stop' | 'isConnected'>;

/** What a process is told at its start. `replicaId` is new for each process: a UUID. */
type CoreOptions = { replicaId: string; clock: Clock; log: Log } & ({ databaseUrl: string } | { connected: Connected });

/** What the public surface gets. */
export type Core = {
  database: Database;
  write: Write;
  feed: EventFeed;
  progress: ProgressBus;
  createVmSnapshot: CreateVmSnapshot;
  revertToVmSnapshot: RevertToVmSnapshot;
  deleteVmSnapshots: DeleteVmSnapshots;
  cloneVmSnapshot: CloneVmSnapshot;
  templates: Templates;
  flattenVolume: FlattenVolume;
  volumeSnapshots: VolumeSnapshots;
  operations: OperationChanges;
  installation: InstallationChanges;
  machines: MachineChanges;
  agentSocket: AgentSocket;
  /** Begins to listen, number and look; a database that is away is tried again for ever. */
  start(): Promise<void>;
  /** Closes the sessions, lets what runs end, closes the database. */
  stop(): Promise<void>;
  /** Whether this replica can serve: the database answered lately, and wake-ups arrive. */
  ready(): boolean;
};

/** How old the last look at the stream may be for ready(), in milliseconds: some polls. */
const READY_MS = 5 * POLL_MS;

/** Every kind of operation. */
const WORKS = [
  createVmSnapshotWork,
  revertToVmSnapshotWork,
  deleteVmSnapshotsWork,
  consolidateWork,
  flattenVolumeWork,
  createVolumeSnapshotWork,
  deleteVolumeSnapshotWork,
  cloneVmSnapshotWork,
  ...templateWorks,
  ...machineWorks,
];

/** Builds the core; nothing is opened before start(). */
export function createCore(options: CoreOptions): Core {
  const { replicaId, clock, log } = options;
  const { database, listen } = 'connected' in options ? options.connected : connectTo(options);
  const tail = new StreamTail({ database, log });
  const relay = createRelay({ database, log, numbered: () => tail.nudge() });
  const write = createWrite(database, relay);
  const engine = new OperationEngine(WORKS);
  const progress = new ProgressBus({ send: (payload) => notify(database, PROGRESS_CHANNEL, payload), log });
  const { agents, measuring } = connectHosts({ database, write, engine, progress, tail, clock, replicaId, log });
  const start = { database, write, clock, engine, started: (hostId: string | null) => agents.nudge(hostId) };
  const listener = listen(replicaLock(replicaId), listenersOf({ tail, progress, agents, measuring, log }));
  const regular = regularWork({ ...start, log }, { relay, tail, agents, measuring });
  return {
    database,
    write,
    feed: new LiveEventFeed({ database, tail }),
    progress,
    ...useCases(start, measuring),
    installation: createInstallation({ write, clock, engine, revoked: (hostId) => agents.close(hostId, CloseCode.REVOKED) }),
    agentSocket: agents.socket,
    async start() {
      regular.start();
      agents.start();
      await listener.start();
      await tail.look();
    },
    async stop() {
      await regular.stop();
      await agents.stop();
      progress.stop();
      relay.nudge();
      await relay.idle();
      await listener.stop();
      await tail.look();
      await database.$disconnect();
    },
    ready: () => listener.isConnected && tail.lastLookAt > 0 && performance.now() - tail.lastLookAt < READY_MS,
  };
}

type UseCases = Pick<
  Core,
  | 'createVmSnapshot'
  | 'revertToVmSnapshot'
  | 'deleteVmSnapshots'
  | 'cloneVmSnapshot'
  | 'templates'
  | 'flattenVolume'
  | 'volumeSnapshots'
  | 'operations'
  | 'machines'
>;

/** What callers may start. */
function useCases(start: StartOptions, measuring: Measuring): UseCases {
  return {
    createVmSnapshot: createCreateVmSnapshot(start),
    revertToVmSnapshot: createRevertToVmSnapshot({ ...start, measure: (machineId) => measuring.measure(machineId) }),
    deleteVmSnapshots: createDeleteVmSnapshots({ ...start, measure: (machineId) => measuring.measure(machineId) }),
    cloneVmSnapshot: createCloneVmSnapshot(start),
    templates: createTemplates(start),
    volumeSnapshots: createVolumeSnapshots(start),
    flattenVolume: createFlattenVolume({ ...start, measure: (machineId) => measuring.measure(machineId) }),
    operations: createOperationChanges({
      ...start,
      retriers: [createRetrier, deleteRetrier, consolidateRetrier, revertRetrier, flattenRetrier, ...machineRetriers],
    }),
    machines: createMachineChanges(start),
  };
}

function connectTo({ databaseUrl: url, replicaId, log }: { databaseUrl: string; replicaId: string; log: Log }): Connected {
  const name = `coppice-api ${replicaId}`;
  return {
    database: openDatabase({ url, name, lost: (error) => log.warn({ err: error }, 'a database connection was lost') }),
    listen: (lock, handlers) => new Listener({ url, name: `${name} listens`, lock, log }, handlers),
  };
}

type Told = { tail: StreamTail; progress: ProgressBus; agents: Agents; measuring: Measuring; log: Log };

/** What other replicas tell this one. */
function listenersOf(told: Told): ConstructorParameters<typeof Listener>[1] {
  const { tail, progress, agents, measuring, log } = told;
  return {
    channels: new Map([
      [EVENTS_CHANNEL, () => tail.nudge()],
      [PROGRESS_CHANNEL, (payload: string) => progress.receive(payload)],
      [SESSIONS_CHANNEL, (payload: string) => agents.replaced(payload)],
      [
        MEASURE_CHANNEL,
        (payload: string) => {
          measuring.requested(payload).catch((error: unknown) => log.warn({ err: error }, 'layers are not measured now'));
        },
      ],
    ]),
    connected: () => {
      tail.nudge();
      agents.databaseIsBack();
    },
  };
}

type HostsOptions = Omit<Parameters<typeof createAgents>[0], 'measured'>;

/** Sessions and measuring need each other: what a host has seen comes by its session, and it is asked by the same. */
function connectHosts(options: HostsOptions): { agents: Agents; measuring: Measuring } {
  const { database, write, clock, log } = options;
  const agents: Agents = createAgents({
    ...options,
    measured: (hostId, message) => measuring.measured(hostId, message),
  });
  const measuring = new Measuring({
    database,
    write,
    clock,
    log,
    tell: (payload) => notify(database, MEASURE_CHANNEL, payload),
    send: (hostId, message) => agents.send(hostId, message),
    hostIds: () => agents.hostIds(),
  });
  return { agents, measuring };
}

type Regular = { relay: { nudge(): void }; tail: StreamTail; agents: Agents; measuring: Measuring };

/** What this replica does again and again, in case nobody nudges it. */
function regularWork(start: StartOptions & { log: Log }, { relay, tail, agents, measuring }: Regular) {
  const { log } = start;
  const consolidation = coalesced(createConsolidation(start), (error) =>
    log.warn({ err: error }, 'cannot look for layers to put in order now; trying again later'),
  );
  const measure = coalesced(
    () => measuring.sweep(),
    (error) => log.warn({ err: error }, 'cannot look for layers to measure now; trying again later'),
  );
  const poll = () => {
    relay.nudge();
    tail.nudge();
    agents.nudge(null);
  };
  let timers: NodeJS.Timeout[] = [];
  return {
    start() {
      timers = [
        setInterval(poll, POLL_MS),
        setInterval(() => consolidation.nudge(), CONSOLIDATE_SWEEP_MS),
        setInterval(() => measure.nudge(), MEASURE_SWEEP_MS),
      ];
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await measure.idle();
      await consolidation.idle();
    },
  };
}
