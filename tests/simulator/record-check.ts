import type { Database } from '../testkit/database.js';
import type { SimulatedMachine } from './simulation.js';

/** What the record says that the hosts in memory do not have, in words; empty where all is well. */
export async function problemsOf(database: Database, machines: readonly SimulatedMachine[]): Promise<string[]> {
  const problems: string[] = [];
  for (const known of machines) {
    problems.push(...(await contentProblems(database, known)), ...(await headProblems(database, known)));
  }
  problems.push(...(await fileProblems(database, machines)));
  const [held] = await database.sql('SELECT count(*)::int AS claims FROM claim');
  if (held?.['claims'] !== 0) problems.push(`${String(held?.['claims'])} claims are held by nobody`);
  return problems;
}

/** Every READY snapshot reads what its machine had in the moment of its freeze, or of the switch that made it. */
async function contentProblems(database: Database, { id, machine, host }: SimulatedMachine): Promise<string[]> {
  const pins = await database.sql(
    `SELECT s.id AS snapshot, s.name, d.volume_id, l.file_name, l.state, array_agg(c.id) AS commands
     FROM vm_snapshot s JOIN snapshot_disk d ON d.snapshot_id = s.id JOIN layer l ON l.id = d.layer_id
     JOIN operation o ON (o.kind = 'createVmSnapshot' AND o.subject_id = s.id) OR o.plan -> 'record' ->> 'safetySnapshotId' = s.id::text
     JOIN command c ON c.operation_id = o.id
     WHERE s.virtual_machine_id = $1 AND s.state = 'READY' GROUP BY s.id, s.name, d.volume_id, l.file_name, l.state`,
    [id],
  );
  return pins.flatMap((pin) => {
    const what = `${machine.name}, snapshot ${String(pin['name'])}, volume ${String(pin['volume_id'])}`;
    const volumeId = String(pin['volume_id']);
    const commands = Array.isArray(pin['commands']) ? pin['commands'].map(String) : [];
    const moment = commands.flatMap((command) => host.moments.get(command)?.get(volumeId) ?? []);
    const fileName = String(pin['file_name']);
    if (!host.pool.files.has(fileName)) return [`${what}: its file ${fileName} is gone`];
    const now = host.pool.read(fileName);
    if (moment.length === 0) return [`${what}: nobody knows what it was`];
    return now.join() === moment.slice(0, now.length).join() ? [] : [`${what}: reads ${now.join()} and was ${moment.join()}`];
  });
}

/** Definitions, and what runs, are on the recorded heads. */
async function headProblems(database: Database, { id, machine }: SimulatedMachine): Promise<string[]> {
  const heads = await database.sql(
    `SELECT v.target, l.file_name, l.state FROM volume v JOIN layer l ON l.id = v.head_layer_id WHERE v.virtual_machine_id = $1 AND v.target IS NOT NULL`,
    [id],
  );
  return heads.flatMap(({ target, file_name: recorded, state }) => {
    const [defined, written] = [machine.definition.get(String(target)), machine.live?.get(String(target))];
    if (state === 'PRESENT' && defined === recorded && (machine.live === null || written === recorded)) return [];
    return [
      `${machine.name} ${String(target)}: recorded on ${String(recorded)} (${String(state)}), defined ${defined}, written ${written}`,
    ];
  });
}

/** No file without a record, no record without its file. */
async function fileProblems(database: Database, machines: readonly SimulatedMachine[]): Promise<string[]> {
  const rows = await database.sql(`SELECT l.file_name, l.state FROM layer l WHERE l.state <> 'DISCARDED'`);
  const recorded = new Map(rows.map((row) => [String(row['file_name']), String(row['state'])]));
  const files = new Set(machines.flatMap(({ host }) => [...host.pool.files.keys()]));
  const orphans = [...files].filter((file) => !recorded.has(file)).map((file) => `${file} is on a host and in no record`);
  const missing = [...recorded]
    .filter(([file]) => !files.has(file))
    .map(([file, state]) => `${file} is recorded ${state} and is on no host`);
  return [...orphans, ...missing];
}
