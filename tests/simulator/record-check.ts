import type { Database } from '@coppice/api/platform/database.js';
import type { SimulatedMachine } from './simulation.js';

/** What the record says that the hosts in memory do not have, in words; empty where all is well. */
export async function problemsOf(database: Database, machines: readonly SimulatedMachine[]): Promise<string[]> {
  const problems: string[] = [];
  for (const known of machines) {
    problems.push(
      ...(await contentProblems(database, known)),
      ...(await headProblems(database, known)),
      ...(await restProblems(database, known)),
    );
  }
  problems.push(...(await fileProblems(database, machines)), ...(await streamProblems(database)));
  const claims = await database.claim.count();
  if (claims !== 0) problems.push(`${claims} claims are held by nobody`);
  return problems;
}

/** Commands of the operation that made each snapshot: as what it was asked for, or to be safe before a revert. */
async function makersOf(database: Database, virtualMachineId: string): Promise<Map<string, string[]>> {
  const operations = await database.operation.findMany({ where: { virtualMachineId }, include: { commands: true } });
  const makers = new Map<string, string[]>();
  for (const { kind, subjectId, plan, commands } of operations) {
    const safetyId = /"safetySnapshotId":"([^"]+)"/.exec(JSON.stringify(plan))?.[1];
    const made = kind === 'createVmSnapshot' ? subjectId : safetyId;
    if (made !== undefined && made !== null) makers.set(made, [...(makers.get(made) ?? []), ...commands.map((command) => command.id)]);
  }
  return makers;
}

/** Every READY snapshot reads what its machine had in the moment of its freeze, or of the switch that made it. */
async function contentProblems(database: Database, { id, machine, host }: SimulatedMachine): Promise<string[]> {
  const makers = await makersOf(database, id);
  const snapshots = await database.vmSnapshot.findMany({
    where: { virtualMachineId: id, state: 'READY' },
    include: { disks: { include: { layer: true } } },
  });
  return snapshots.flatMap((snapshot) => {
    const commands = makers.get(snapshot.id) ?? [];
    const memory =
      snapshot.kind === 'DISK_AND_MEMORY' && !host.memories.has(`snapshot-${snapshot.id}.mem`)
        ? [`${snapshot.name} has lost its memory`]
        : [];
    if (snapshot.disks.length === 0) return [`${machine.name}: ${snapshot.name} is READY and holds nothing`];
    const disks = snapshot.disks.flatMap(({ volumeId, layer: { fileName } }) => {
      const what = `${machine.name}, snapshot ${snapshot.name}, volume ${volumeId}`;
      const moment = commands.flatMap((command) => host.moments.get(command)?.get(volumeId) ?? []);
      if (!host.pool.files.has(fileName)) return [`${what}: its file ${fileName} is gone`];
      const now = host.pool.read(fileName);
      if (moment.length === 0) return [`${what}: nobody knows what it was`];
      return now.join() === moment.slice(0, now.length).join() ? [] : [`${what}: reads ${now.join()} and was ${moment.join()}`];
    });
    return [...memory, ...disks];
  });
}

/** Definitions, and what runs, are on the recorded heads. */
async function headProblems(database: Database, { id, machine }: SimulatedMachine): Promise<string[]> {
  const volumes = await database.volume.findMany({ where: { virtualMachineId: id, target: { not: null } }, include: { headLayer: true } });
  return volumes.flatMap(({ target, headLayer }) => {
    const [defined, written] = [machine.definition.get(String(target)), machine.live?.get(String(target))];
    const recorded = headLayer?.fileName;
    if (headLayer?.state === 'PRESENT' && defined === recorded && (machine.live === null || written === recorded)) return [];
    return [
      `${machine.name} ${String(target)}: recorded on ${String(recorded)} (${String(headLayer?.state)}), defined ${defined}, written ${written}`,
    ];
  });
}

/** Machine and snapshots are in states that last, and the machine is not drifted. */
async function restProblems(database: Database, { id, machine }: SimulatedMachine): Promise<string[]> {
  const { state, drift, inventoryPosition } = await database.virtualMachine.findUniqueOrThrow({ where: { id } });
  const expected = machine.live === null ? 'STOPPED' : 'RUNNING';
  const moving = await database.vmSnapshot.findMany({ where: { virtualMachineId: id, state: { notIn: ['READY', 'ERROR', 'REMOVED'] } } });
  return [
    ...(state === expected ? [] : [`${machine.name} is ${expected} and recorded ${state} at ${String(inventoryPosition)}`]),
    ...(drift === null ? [] : [`${machine.name} is drifted: ${JSON.stringify(drift).slice(0, 500)}`]),
    ...moving.map((snapshot) => `${machine.name}: ${snapshot.name} is ${snapshot.state} for ever`),
  ];
}

/** No file without a record, no record without its file. */
async function fileProblems(database: Database, machines: readonly SimulatedMachine[]): Promise<string[]> {
  const rows = await database.layer.findMany({ where: { state: { not: 'DISCARDED' } } });
  const recorded = new Map(rows.map((row) => [row.fileName, row.state]));
  const files = new Set(machines.flatMap(({ host }) => [...host.pool.files.keys()]));
  const orphans = [...files].filter((file) => !recorded.has(file)).map((file) => `${file} is on a host and in no record`);
  const missing = [...recorded]
    .filter(([file]) => !files.has(file))
    .map(([file, state]) => `${file} is recorded ${state} and is on no host`);
  return [...orphans, ...missing];
}

/** Every subject's transitions follow each other, and positions are dense. */
async function streamProblems(database: Database): Promise<string[]> {
  const rows = await database.transition.findMany({ where: { pos: { not: null } }, orderBy: { pos: 'asc' } });
  const states = new Map<string, string>();
  return rows.flatMap(({ pos, subjectId, subjectType, fromState, toState, event }, at) => {
    const before = states.get(subjectId) ?? null;
    states.set(subjectId, toState);
    const what = `transition ${String(pos)} of a ${subjectType}, ${event} ${String(fromState)} → ${toState}`;
    const holes = pos === BigInt(at + 1) ? [] : [`${what}: its position should be ${at + 1}`];
    return fromState === before || before === null ? holes : [...holes, `${what}: it was ${before}`];
  });
}

/** The commands of a schedule with their times, for whoever looks for a bug. */
export async function historyOf(database: Database): Promise<string[]> {
  const operations = await database.operation.findMany({ orderBy: { id: 'asc' }, include: { commands: true, virtualMachine: true } });
  const at = (date: Date | null) => (date === null ? '-' : String(date.getTime() % 10_000_000));
  return operations.map(({ kind, state, createdAt, finishedAt, error, commands, virtualMachine }) => {
    const told = commands.map(
      (command) =>
        `   ${String(command.number)} ${command.verb} ${command.state} stage ${String(command.stage)} made ${at(command.createdAt)} sent ${at(command.sentAt)} (epoch ${String(command.sentEpoch)}) finished ${at(command.finishedAt)}: ${(JSON.stringify(command.outcome) ?? '').slice(0, 160)}`,
    );
    return [
      `${virtualMachine?.name} ${kind} ${state} ${at(createdAt)}…${at(finishedAt)} ${(JSON.stringify(error) ?? '').slice(0, 160)}`,
      ...told,
    ].join('\n');
  });
}
