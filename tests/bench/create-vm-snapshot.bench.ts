/**
 * Rows 1 and 2 of the table of figures: how long a snapshot takes, and how long it stops the guest's writer, against bare libvirt. The guest that
 * is measured has a processor to itself, QEMU included, and everything else shares the other one (decision 18).
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runProgram, tickSocketOf } from '@coppice/lab';
import { EventStream } from '../testkit/event-stream.js';
import type { Machine } from '../testkit/machine.js';
import { machineBecomes } from '../testkit/machine-calls.js';
import { chainOnDisk } from '../testkit/outside-probes.js';
import { beginSnapshot, machineIsIdle } from '../testkit/snapshot-calls.js';
import { STATE_TRANSITIONS, type TransitionSeen } from '../testkit/transition-subscriber.js';
import { pause, waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';
import { GuestSilence } from './guest-silence.js';
import { OpenVirsh } from './open-virsh.js';
import { keepGuestApart } from './processors.js';
import { medianRatio, row } from './ratios.js';

const ROUNDS = Number(process.env['COPPICE_BENCH_ROUNDS'] ?? 15);
/** The writer's pause: short, so that a stall shows. */
const TICK_MS = 2;
/** Every subject is listened to for as long: a noisy machine has longer gaps in a longer time, and late effects belong to the stall too. */
const LISTENED_MS = 2_500;

/** Of a guest that was resumed, before it is measured. */
const SETTLING_MS = 2_000;

/** Deeper chains are told apart. */
const DEEP_FROM_LAYERS = 20;

interface Figure {
  readonly tookMs: number;
  readonly stallMs: number;
}

interface Subject {
  readonly machine: Machine;
  readonly silence: GuestSilence;
  /** What has to be there before the measured call. */
  readonly prepare: () => Promise<void>;
  readonly take: (quiesce: boolean) => Promise<number>;
}

let world: World;
let open: OpenVirsh;
const subjects: Subject[] = [];

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
  open = new OpenVirsh(world.host('h1').libvirtUri);
});
afterAll(async () => {
  open?.close();
  for (const { silence } of subjects) silence.close();
  await world?.stop();
});

it('create a VM snapshot, against bare libvirt in the same run', async () => {
  const ours = await coppice();
  const process = await bare('by-process', (machine, argv) => machine.virsh(...argv));
  const connection = await bare('by-connection', (_machine, argv) => open.run(...argv));
  const onLayers = await bare('on-layers-made-before', (machine, argv) => machine.virsh(...argv), nextLayers);
  for (const { machine } of subjects) await standStill(machine);
  const figures = new Map<string, Figure[]>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const quiesce of [false, true]) {
      for (const [name, subject] of [
        ['ours', ours],
        ['process', process],
        ['connection', connection],
        ['on layers', onLayers],
      ] as const) {
        const key = `${name} ${quiesce ? 'quiesced' : 'plain'}`;
        figures.set(key, [...(figures.get(key) ?? []), await alone(subject, () => measured(subject, quiesce))]);
      }
    }
  }
  console.log(tableOf(figures).join('\n'));
  expect(figures.size).toBe(8);
});

function tableOf(figures: ReadonlyMap<string, readonly Figure[]>): readonly string[] {
  const of = (key: string, field: keyof Figure): number[] => (figures.get(key) ?? []).map((figure) => figure[field]);
  return ['plain', 'quiesced'].flatMap((kind) => [
    row(
      `1  ${kind}: mutation sent → READY received / libvirt call on an open connection`,
      medianRatio(of(`ours ${kind}`, 'tookMs'), of(`connection ${kind}`, 'tookMs')),
      1.5,
    ),
    row(
      `1  ${kind}: mutation sent → READY received / one virsh process`,
      medianRatio(of(`ours ${kind}`, 'tookMs'), of(`process ${kind}`, 'tookMs')),
      0.8,
    ),
    ...stallRows(`${kind}: guest's longest write stall / bare virsh`, of(`ours ${kind}`, 'stallMs'), of(`process ${kind}`, 'stallMs')),
    ...stallRows(`${kind}: the same / virsh --reuse-external`, of(`ours ${kind}`, 'stallMs'), of(`on layers ${kind}`, 'stallMs')),
    row(
      `   ${kind}: the same, bare virsh against itself (noise)`,
      medianRatio(of(`connection ${kind}`, 'stallMs'), of(`process ${kind}`, 'stallMs')),
      1.05,
    ),
  ]);
}

/** Apart by depth, as a name that QEMU has to work out costs time in deep chains (decision 19): each round adds two layers. */
function stallRows(what: string, ours: readonly number[], anchor: readonly number[]): readonly string[] {
  const shallow = DEEP_FROM_LAYERS / 2;
  const rows = [row(`2  ${what}`, medianRatio(ours.slice(0, shallow), anchor.slice(0, shallow)), 1.05)];
  if (ours.length <= shallow) return rows;
  const deep = medianRatio(ours.slice(shallow), anchor.slice(shallow));
  return [...rows, row(`2  ${what}, over ${DEEP_FROM_LAYERS} layers`, deep, 1.05)];
}

async function standStill(machine: Machine): Promise<void> {
  await keepGuestApart(world.host('h1'), machine);
  await machine.virsh('suspend', machine.name);
}

/** Its guest runs and the others stand still meanwhile. */
async function alone({ machine }: Subject, measure: () => Promise<Figure>): Promise<Figure> {
  await machine.virsh('resume', machine.name);
  await pause(SETTLING_MS);
  const figure = await measure();
  await machine.virsh('suspend', machine.name);
  return figure;
}

async function measured(subject: Subject, quiesce: boolean): Promise<Figure> {
  await subject.prepare();
  subject.silence.mark();
  const began = performance.now();
  const tookMs = await subject.take(quiesce);
  await pause(Math.max(0, LISTENED_MS - (performance.now() - began)));
  return { tookMs, stallMs: await subject.silence.longestMs() };
}

async function coppice(): Promise<Subject> {
  const known = await world.addMachine({ name: 'ours', tickMs: TICK_MS });
  const stream = EventStream.open<{ stateTransitions: { event: TransitionSeen | null } }>({
    transport: 'ws',
    url: world.replica().url,
    token: world.acme.viewerToken,
    document: STATE_TRANSITIONS,
    variables: { filter: { subjectTypes: ['VM_SNAPSHOT'] } },
  });
  const take = (quiesce: boolean): Promise<number> => takenByCoppice({ known, stream, quiesce });
  return subjectOf(known.machine, { prepare: async () => undefined, take });
}

async function takenByCoppice(request: {
  known: KnownMachine;
  stream: EventStream<{ stateTransitions: { event: TransitionSeen | null } }>;
  quiesce: boolean;
}): Promise<number> {
  const { known, stream, quiesce } = request;
  const client = world.as(world.acme.operatorToken);
  await machineIsIdle(world.admin, known);
  await machineBecomes(world.admin, known, ({ state }) => state === 'RUNNING');
  const began = performance.now();
  const begun = await beginSnapshot(client, known, { quiesce });
  await waitUntil(
    'READY',
    () => stream.events.some(({ stateTransitions: { event } }) => event?.subjectId === begun.id && event.to === 'READY'),
    { everyMs: 1 },
  );
  return performance.now() - began;
}

/**
 * A machine of its own that Coppice sees but was never given: what is done to it by hand is nobody's drift. `layersOf` makes the next layers and
 * says what the call is to say of the disks.
 */
async function bare(
  name: string,
  run: (machine: Machine, argv: string[]) => Promise<string>,
  layersOf: (machine: Machine, number: number) => Promise<readonly string[]> = async () => [],
): Promise<Subject> {
  const machine = await world.addStranger({ name, tickMs: TICK_MS });
  let number = 0;
  let layers: readonly string[] = [];
  const prepare = async (): Promise<void> => {
    number += 1;
    layers = await layersOf(machine, number);
  };
  const take = async (quiesce: boolean): Promise<number> => {
    const options = ['--disk-only', '--atomic', '--no-metadata', ...(quiesce ? ['--quiesce'] : [])];
    const began = performance.now();
    await run(machine, ['snapshot-create-as', machine.name, `s${number}`, ...options, ...layers]);
    return performance.now() - began;
  };
  return subjectOf(machine, { prepare, take });
}

/** The next layer of each disk, made as ours are before libvirt is told. */
async function nextLayers({ guest }: Machine, number: number): Promise<readonly string[]> {
  const options = guest.disks.map(async (disk, position) => {
    const layer = (n: number): string => (n === 0 ? disk.path : `${disk.path}.${n}`);
    const [below, made] = [layer(number - 1), layer(number)];
    const size = String((await chainOnDisk(below))[0]?.virtualBytes);
    const argv = ['create', '-q', '-u', '-f', 'qcow2', '-F', 'qcow2', '-b', below, made, size];
    await runProgram('qemu-img', argv, { deadlineMs: 30_000 });
    return ['--diskspec', `vd${'ab'[position]},snapshot=external,file=${made}`];
  });
  return ['--reuse-external', ...(await Promise.all(options)).flat()];
}

async function subjectOf(machine: Machine, how: Pick<Subject, 'prepare' | 'take'>): Promise<Subject> {
  const subject = { machine, silence: await GuestSilence.listen(tickSocketOf(machine.guest)), ...how };
  subjects.push(subject);
  return subject;
}
