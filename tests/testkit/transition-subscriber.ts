import { EventStream, type Transport } from './event-stream.js';
import { pause } from './wait-until.js';

/** One transition as the public API shows it. */
export interface TransitionSeen {
  readonly cursor: string;
  readonly subjectId: string;
  readonly subjectType: string;
  readonly from: string | null;
  readonly to: string;
  readonly event: string;
  readonly reason: string | null;
}

interface Delivery {
  readonly stateTransitions: { readonly cursor: string; readonly event: TransitionSeen | null };
}

/** Every field that a test judges; bookmarks have a null event. */
export const STATE_TRANSITIONS = `subscription Watch($filter: TransitionFilter, $after: Cursor) {
  stateTransitions(filter: $filter, after: $after) {
    cursor event { cursor subjectId subjectType from to event reason }
  }
}`;

/** `urls`: replicas to use in turn, the next after each lost connection. */
export interface SubscriberRequest {
  readonly transport: Transport;
  readonly urls: readonly string[];
  readonly token: string;
  readonly filter?: Readonly<Record<string, unknown>>;
  readonly after?: string;
}

/**
 * A client that behaves as the contract asks of clients: after a lost connection it subscribes again from the last cursor that it has
 * handled. Then it must have seen each transition exactly once, in order, whatever was killed meanwhile.
 */
export class TransitionSubscriber {
  readonly seen: TransitionSeen[] = [];
  readonly cursors: string[] = [];
  reconnects = 0;
  private readonly request: SubscriberRequest;
  private stream: EventStream<Delivery> | undefined;
  private handled = 0;
  private isClosed = false;

  private constructor(request: SubscriberRequest) {
    this.request = request;
  }

  static open(request: SubscriberRequest): TransitionSubscriber {
    const subscriber = new TransitionSubscriber(request);
    subscriber.subscribe();
    return subscriber;
  }

  /** Waits until the transitions seen so far satisfy `isEnough`. */
  async until(
    what: string,
    isEnough: (seen: readonly TransitionSeen[]) => boolean,
    deadlineMs = 90_000,
  ): Promise<readonly TransitionSeen[]> {
    const deadline = performance.now() + deadlineMs;
    for (;;) {
      this.take();
      if (isEnough(this.seen)) return this.seen;
      if (performance.now() > deadline) {
        const last = this.seen.slice(-8).map((one) => `${one.subjectType} ${one.from}→${one.to}`);
        throw new Error(`no such transitions in time: ${what}; seen: ${last.join(', ')}`, { cause: this.stream?.failure });
      }
      if (this.stream?.hasEnded === true && !this.isClosed) this.subscribe();
      await pause(this.stream?.hasEnded === true ? 200 : 10);
    }
  }

  /** States that one subject went through, in order of delivery. */
  statesOf(subjectId: string): readonly string[] {
    this.take();
    return this.seen.filter((one) => one.subjectId === subjectId).map((one) => one.to);
  }

  close(): void {
    this.isClosed = true;
    this.stream?.close();
  }

  private subscribe(): void {
    if (this.stream !== undefined) this.reconnects += 1;
    const url = this.request.urls[this.reconnects % this.request.urls.length];
    if (url === undefined) throw new Error('a subscriber needs at least one replica');
    const after = this.cursors.at(-1) ?? this.request.after;
    this.stream = EventStream.open<Delivery>({
      transport: this.request.transport,
      url,
      token: this.request.token,
      document: STATE_TRANSITIONS,
      variables: { filter: this.request.filter ?? null, ...(after === undefined ? {} : { after }) },
    });
    this.handled = 0;
  }

  private take(): void {
    const events = this.stream?.events ?? [];
    for (const { stateTransitions } of events.slice(this.handled)) {
      this.cursors.push(stateTransitions.cursor);
      if (stateTransitions.event !== null) this.seen.push(stateTransitions.event);
    }
    this.handled = events.length;
  }
}
