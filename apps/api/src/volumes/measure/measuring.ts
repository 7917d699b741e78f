/**
 * Asks hosts where layers hold data. Whoever wants to know tells all replicas by a NOTIFY; the one that holds the host's session asks it and
 * records the answer; the first one looks for a while until it is there. All of it may be lost: then the last known is planned with.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ApiMessage, LayersMeasured } from '@coppice/protocol';
import type { Write } from '../../events/write.js';
import type { Clock } from '../../platform/clock.js';
import type { Database } from '../../platform/database.js';
import { newId } from '../../platform/ids.js';
import type { Log } from '../../platform/log.js';
import { type AskedLayer, hostOfMachine, layersToMeasure, machinesToMeasure, recordMeasured } from './measure.store.js';

/** Payload: host, machine and request, with blanks between. */
export const MEASURE_CHANNEL = 'coppice_measure';

/** How long a plan waits for fresh maps, and how often it looks, in milliseconds: a person who opened a dialog waits no longer. */
const WAIT_MS = 2_000;
const LOOK_MS = 50;
/** How often layers that were never looked at are looked for, and how long one that did not answer is left alone; milliseconds. */
export const MEASURE_SWEEP_MS = 3_000;
const AGAIN_MS = 60_000;
/** Requests and machines that are remembered; the oldest go first. */
const REMEMBERED = 1_000;

/** Asks hosts where the layers of a machine hold data, and waits a little for the answers. */
export type MeasureLayers = (machineId: string) => Promise<void>;

type Options = {
  database: Database;
  write: Write;
  clock: Clock;
  log: Log;
  /** Tells every replica. */
  tell: (payload: string) => Promise<void>;
  /** Puts it on the session that this replica holds with the host; false where it holds none. */
  send: (hostId: string, message: ApiMessage) => boolean;
  /** Hosts whose sessions this replica holds. */
  hostIds: () => string[];
};

type Request = { hostId: string; asked: readonly AskedLayer[]; askedAt: Date };

/** One per replica. */
export class Measuring {
  readonly #options: Options;
  readonly #requests = new Map<string, Request>();
  readonly #answered = new Set<string>();
  readonly #askedAt = new Map<string, number>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Has the layers of a machine looked at, and waits a little. Never throws for a host that does not answer. */
  async measure(machineId: string): Promise<void> {
    const { database, clock, tell } = this.#options;
    const wanted = await layersToMeasure(database, machineId);
    const hostId = wanted.length === 0 ? null : await hostOfMachine(database, machineId);
    if (hostId === null) return;
    const [requestId, begun] = [newId(), clock.now()];
    await tell(`${hostId} ${machineId} ${requestId}`);
    const ids = wanted.map((layer) => layer.id);
    for (let waited = 0; waited < WAIT_MS; waited += LOOK_MS) {
      await pause(LOOK_MS);
      if (this.#answered.delete(requestId)) return;
      const left = await database.layer.count({ where: { id: { in: ids }, OR: [{ measuredAt: null }, { measuredAt: { lt: begun } }] } });
      if (left === 0) return;
    }
  }

  /** A payload of MEASURE_CHANNEL. Asks where this replica holds the host's session. */
  async requested(payload: string): Promise<void> {
    const [hostId, machineId, requestId] = payload.split(' ');
    if (!hostId || !machineId || !requestId || !this.#options.hostIds().includes(hostId)) return;
    await this.#ask({ hostId, machineId, requestId });
  }

  /** A host has looked. Answers of other requests than ours are left out. */
  async measured(hostId: string, message: LayersMeasured): Promise<void> {
    const { write, clock } = this.#options;
    const request = this.#requests.get(message.requestId);
    if (!request || request.hostId !== hostId) return;
    this.#requests.delete(message.requestId);
    const { asked, askedAt } = request;
    await write((transaction) => recordMeasured(transaction, { asked, askedAt, found: message.layers, at: clock.now() }));
    remember(this.#answered, message.requestId);
  }

  /** Frozen layers that were never looked at, after whatever made them. */
  async sweep(): Promise<void> {
    const hostIds = this.#options.hostIds();
    if (hostIds.length === 0) return;
    for (const { machineId, hostId } of await machinesToMeasure(this.#options.database, hostIds)) {
      const last = this.#askedAt.get(machineId);
      if (last !== undefined && performance.now() - last < AGAIN_MS) continue;
      this.#askedAt.delete(machineId);
      this.#askedAt.set(machineId, performance.now());
      forgetOldest(this.#askedAt);
      await this.#ask({ hostId, machineId, requestId: newId() });
    }
  }

  async #ask({ hostId, machineId, requestId }: { hostId: string; machineId: string; requestId: string }): Promise<void> {
    const { database, clock, send, log } = this.#options;
    const asked = await layersToMeasure(database, machineId);
    if (asked.length === 0) return;
    this.#requests.set(requestId, { hostId, asked, askedAt: clock.now() });
    forgetOldest(this.#requests);
    const layers = asked.map(({ pool, fileName, format }) => ({ pool, fileName, format }));
    if (!send(hostId, { type: 'layers.measure-requested', requestId, layers })) {
      this.#requests.delete(requestId);
      log.debug({ hostId, machineId }, 'layers are not measured now: the host has gone');
    }
  }
}

function forgetOldest(remembered: Map<string, unknown>): void {
  const [oldest] = remembered.keys();
  if (remembered.size > REMEMBERED && oldest !== undefined) remembered.delete(oldest);
}

function remember(answered: Set<string>, requestId: string): void {
  answered.add(requestId);
  const [oldest] = answered;
  if (answered.size > REMEMBERED && oldest !== undefined) answered.delete(oldest);
}
