/**
 * The statements that the stores write in SQL, each done over the tables in memory and found by its text: one that is changed is not found,
 * and the simulator says so. They are held against PostgreSQL by record.test.ts and by schedules that run on both.
 */
import { RecordError, type Tables } from './tables.js';
import { compared, isObject, type Row } from './values.js';

/** What a statement does beyond the tables. */
type Surroundings = {
  /** NOTIFY, at the commit. */
  notify: (channel: string, payload: string) => void;
  /** Whether some connection holds the advisory lock. */
  isLocked: (name: string) => boolean;
};

type Statement = { tables: Tables; values: readonly unknown[]; around: Surroundings };

/** Rows of a statement, or how many it changed. Throws where it is not known. */
export function runStatement(text: string, statement: Statement): Row[] | number {
  const normal = text.replaceAll(/\s+/g, ' ').trim();
  const lock = /^SELECT id FROM (\w+) (?:WHERE id = \?::uuid|ORDER BY id) FOR NO KEY UPDATE$/.exec(normal)?.[1];
  if (lock !== undefined) return locked(statement, lock);
  const known = STATEMENTS.find(([start]) => normal.startsWith(start));
  if (!known)
    throw new Error(`the record in memory does not know this statement; give it one in tests/simulator/record/statements.ts: ${normal}`);
  return known[1](statement);
}

function locked({ tables, values }: Statement, table: string): Row[] {
  const model = [...tables.models.values()].find((one) => one.table === table);
  if (!model) throw new Error(`there is no table ${table}`);
  const row = tables.byId(model.name, values[0]);
  return row ? [{ id: row['id'] }] : [];
}

const STATEMENTS: readonly (readonly [start: string, run: (statement: Statement) => Row[] | number])[] = [
  ['SELECT coppice_relay(?::int) AS head', relay],
  ['SELECT pg_notify(?, ?)', notify],
  [
    'SELECT pg_try_advisory_xact_lock(hashtextextended(?, 0)) AS free',
    ({ values, around }) => [{ free: !around.isLocked(String(values[0])) }],
  ],
  [
    'SELECT incarnation::text FROM event_stream WHERE id = 1 FOR',
    ({ tables }) => [{ incarnation: tables.byId('EventStream', 1)?.['incarnation'] }],
  ],
  ['DELETE FROM idempotency_key', () => 0],
  ['WITH RECURSIVE below AS (', ({ tables, values }) => around(tables, [values[0]], values[1])],
  ['WITH RECURSIVE read AS (', ({ tables, values }) => ids(below(tables, machinesOf(values[0]), []))],
  ['SELECT s.id FROM vm_snapshot s WHERE s.virtual_machine_id', subsets],
  ['SELECT DISTINCT m.id AS "machineId", m.host_id AS "hostId"', toMeasure],
  ['SELECT m.id AS "machineId", concat_ws(', due],
  ["SELECT m.id FROM virtual_machine m WHERE m.state <> 'DESTROYED' AND (", stuck],
];

function relay({ tables, around: { notify: tell } }: Statement): Row[] {
  const stream = tables.byId('EventStream', 1);
  if (!stream) throw new RecordError('P2025', 'there is no event stream');
  const first = BigInt(String(stream['head']));
  const waiting = tables
    .rows('Transition')
    .filter((row) => row['pos'] === null)
    .sort((a, b) => compared(a['id'], b['id']));
  for (const [at, row] of waiting.entries()) tables.update(tables.model('Transition'), row, { pos: first + BigInt(at + 1) });
  const head = first + BigInt(waiting.length);
  if (waiting.length > 0) {
    tables.update(tables.model('EventStream'), stream, { head });
    tell('coppice_events', String(head));
  }
  return [{ head }];
}

function notify({ values, around: { notify: tell } }: Statement): number {
  tell(String(values[0]), String(values[1]));
  return 1;
}

function machinesOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

/** Layers on disk that heads and pins of these machines, or heads of these volumes, read: down to the bases. */
function below(tables: Tables, machineIds: readonly unknown[], alsoVolumes: unknown): Set<Row> {
  const also = new Set(machinesOf(alsoVolumes));
  const heads = tables
    .rows('Volume')
    .filter((volume) => machineIds.includes(volume['virtualMachineId']) || also.has(volume['id']))
    .map((volume) => volume['headLayerId']);
  const names = new Set(
    tables
      .rows('VmSnapshot')
      .filter((one) => machineIds.includes(one['virtualMachineId']) && one['state'] !== 'REMOVED')
      .map((one) => one['id']),
  );
  const pins = tables.rows('SnapshotDisk').flatMap((disk) => (names.has(disk['snapshotId']) ? [disk['layerId']] : []));
  const found = new Set<Row>();
  for (const id of [...heads, ...pins]) {
    const layer = tables.byId('Layer', id);
    if (layer?.['state'] !== 'PRESENT') continue;
    for (let next: Row | undefined = layer; next && !found.has(next); next = tables.byId('Layer', next['backingLayerId'])) found.add(next);
  }
  return found;
}

/** The same, and everything on disk that was written over any of it. */
function around(tables: Tables, machineIds: readonly unknown[], alsoVolumes: unknown): Row[] {
  const found = below(tables, machineIds, alsoVolumes);
  const present = tables.rows('Layer').filter((layer) => layer['state'] === 'PRESENT');
  // A set that grows is walked to its new end.
  for (const layer of found) for (const child of present) if (child['backingLayerId'] === layer['id']) found.add(child);
  return ids(found);
}

function ids(rows: Iterable<Row>): Row[] {
  return [...rows].map((row) => ({ id: row['id'] }));
}

function subsets({ tables, values }: Statement): Row[] {
  return ids(
    tables.rows('VmSnapshot').filter((snapshot) => {
      const { definition } = snapshot;
      if (snapshot['virtualMachineId'] !== values[0] || snapshot['state'] === 'REMOVED' || !isObject(definition)) return false;
      if (typeof definition['isSubset'] === 'boolean') return definition['isSubset'];
      const disks = definition['disks'];
      const held = tables.rows('SnapshotDisk').filter((disk) => disk['snapshotId'] === snapshot['id']);
      return Array.isArray(disks) && disks.length > held.length;
    }),
  );
}

function isClaimed(tables: Tables, machine: Row): boolean {
  return (
    tables.byId('Claim', `machine:${String(machine['id'])}`) !== undefined ||
    tables.rows('Claim').some((one) => one['resource'] === `machine:${String(machine['id'])}`)
  );
}

/** Pairs of a machine and a layer of one of its volumes. */
function layersOf(tables: Tables, machine: Row): Row[] {
  const volumeIds = new Set(
    tables.rows('Volume').flatMap((volume) => (volume['virtualMachineId'] === machine['id'] ? [volume['id']] : [])),
  );
  return tables.rows('Layer').filter((layer) => volumeIds.has(layer['volumeId']));
}

function byId(rows: Row[]): Row[] {
  return rows.sort((a, b) => compared(a['id'], b['id']));
}

function toMeasure({ tables, values }: Statement): Row[] {
  const hostIds = new Set(machinesOf(values[0]));
  const isWanted = (layer: Row) =>
    layer['state'] === 'PRESENT' &&
    layer['isFrozen'] &&
    !layer['isTemplate'] &&
    layer['dataMap'] === null &&
    layer['mergeState'] === 'NONE';
  return byId(
    tables
      .rows('VirtualMachine')
      .filter(
        (machine) =>
          hostIds.has(machine['hostId']) &&
          machine['projectId'] !== null &&
          machine['drift'] === null &&
          !isClaimed(tables, machine) &&
          layersOf(tables, machine).some(isWanted),
      ),
  )
    .slice(0, 50)
    .map((machine) => ({ machineId: machine['id'], hostId: machine['hostId'] }));
}

function due({ tables, values }: Statement): Row[] {
  const wanted = byId(tables.rows('VirtualMachine')).flatMap((machine) => {
    const isAtRest = ['RUNNING', 'STOPPED', 'PAUSED'].includes(String(machine['state']));
    if (!isAtRest || machine['projectId'] === null || machine['drift'] !== null || isClaimed(tables, machine)) return [];
    if (tables.byId('Host', machine['hostId'])?.['state'] !== 'UP') return [];
    const hasFiles = tables
      .rows('VmSnapshot')
      .some(
        (one) =>
          one['virtualMachineId'] === machine['id'] &&
          one['state'] === 'REMOVED' &&
          one['filePool'] !== null &&
          (one['kind'] === 'DISK_AND_MEMORY' || one['hasNvram'] === true),
      );
    if (hasFailedLately(tables, machine, { kind: values[0], longestS: Number(values[2]), firstS: Number(values[3]) })) return [];
    const layers = layersOf(tables, machine).filter((layer) => layer['state'] === 'DISCARDING' || hasFiles || isRetained(tables, layer));
    if (layers.length === 0) return [];
    return [{ machineId: machine['id'], key: [machine['powerState'], machine['treeRevision'], layers.length].join(':') }];
  });
  return wanted.slice(0, Number(values.at(-1)));
}

/** The system's own work failed a while ago, less than its pause, and nothing else was done since. */
function hasFailedLately(
  tables: Tables,
  machine: Row,
  { kind, longestS, firstS }: { kind: unknown; longestS: number; firstS: number },
): boolean {
  const ended = tables.rows('Operation').filter((one) => one['virtualMachineId'] === machine['id'] && one['finishedAt'] !== null);
  const isFailure = (one: Row) => one['kind'] === kind && one['state'] === 'FAILED';
  const others = Math.max(...ended.filter((one) => !isFailure(one)).map((one) => timeOf(one)), Number.NEGATIVE_INFINITY);
  const failures = ended.filter((one) => isFailure(one) && timeOf(one) > others).map((one) => timeOf(one));
  if (failures.length === 0) return false;
  return Date.now() < Math.max(...failures) + 1_000 * Math.min(longestS, firstS * 2 ** failures.length);
}

function timeOf(operation: Row): number {
  const { finishedAt } = operation;
  return finishedAt instanceof Date ? finishedAt.getTime() : Number.NEGATIVE_INFINITY;
}

function isRetained(tables: Tables, layer: Row): boolean {
  if (layer['state'] !== 'PRESENT' || layer['isTemplate'] === true || layer['mergeState'] === 'REPOINTED') return false;
  if (tables.rows('Volume').some((volume) => volume['headLayerId'] === layer['id'])) return false;
  const isPinned = tables
    .rows('SnapshotDisk')
    .some((disk) => disk['layerId'] === layer['id'] && tables.byId('VmSnapshot', disk['snapshotId'])?.['state'] !== 'REMOVED');
  if (isPinned) return false;
  return tables.rows('Layer').filter((reader) => reader['backingLayerId'] === layer['id'] && reader['state'] === 'PRESENT').length <= 1;
}

function stuck({ tables, values }: Statement): Row[] {
  const isOpen = (state: unknown) => state === 'RUNNING' || state === 'CANCELLING';
  const isHanging = (operation: Row) =>
    !tables
      .rows('Command')
      .some((command) => command['operationId'] === operation['id'] && (command['state'] === 'PENDING' || command['state'] === 'SENT'));
  const wanted = tables.rows('VirtualMachine').filter((machine) => {
    if (machine['state'] === 'DESTROYED') return false;
    const isOf = (row: Row) => row['virtualMachineId'] === machine['id'];
    if (tables.rows('Operation').some((one) => isOf(one) && isOpen(one['state']) && isHanging(one))) return true;
    if (isClaimed(tables, machine)) return false;
    if (['SNAPSHOTTING', 'REVERTING', 'MIGRATING'].includes(String(machine['state']))) return true;
    const isBetween = (model: string, states: readonly string[]) =>
      tables.rows(model).some((one) => isOf(one) && states.includes(String(one['state'])));
    return (
      isBetween('VmSnapshot', ['ALLOCATED', 'CREATING', 'REVERTING', 'EXPUNGING']) ||
      isBetween('VolumeSnapshot', ['ALLOCATED', 'CREATING', 'DESTROYING'])
    );
  });
  return ids(byId(wanted).slice(0, Number(values[0])));
}
