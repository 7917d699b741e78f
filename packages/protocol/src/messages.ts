import { z } from 'zod';
import { commandCancelRequested, commandIssued } from './commands/index.js';
import { challenge, hello, refused, welcomed } from './hello/index.js';
import { inventoryCompleted, machineSeen, poolsSeen } from './inventory/index.js';
import { layersMeasured, measureRequested } from './inventory/measure.js';
import { commandAccepted, commandFinished, commandProgressed, reportAcknowledged } from './reports/index.js';
import { timestamp, uuid } from './scalars.js';

/** Either side, every heartbeatIntervalMs; touches neither storage nor libvirt nor the database. */
export const heartbeat = z.object({ type: z.literal('session.heartbeat'), at: timestamp });

/** API → agent: take the inventory of everything, or of one machine, again. */
export const inventoryRequested = z.object({ type: z.literal('inventory.requested'), machineUuid: uuid.nullable() });

/** Everything that an agent may say. */
export const agentMessage = z.discriminatedUnion('type', [
  hello,
  heartbeat,
  commandAccepted,
  commandProgressed,
  commandFinished,
  machineSeen,
  poolsSeen,
  inventoryCompleted,
  layersMeasured,
]);

/** Everything that the API may say. */
export const apiMessage = z.discriminatedUnion('type', [
  challenge,
  welcomed,
  refused,
  heartbeat,
  commandIssued,
  commandCancelRequested,
  reportAcknowledged,
  inventoryRequested,
  measureRequested,
]);

export type AgentMessage = z.infer<typeof agentMessage>;
export type ApiMessage = z.infer<typeof apiMessage>;
export type Hello = z.infer<typeof hello>;
export type Welcomed = z.infer<typeof welcomed>;

/** A message that is not of this protocol; `problem` names the field. The receiver closes with BAD_MESSAGE. */
export type Parsed<T> = { ok: true; message: T } | { ok: false; problem: string };

/** Reads one text frame from an agent. */
export function parseAgentMessage(text: string): Parsed<AgentMessage> {
  return parse(agentMessage, text);
}

/** Reads one text frame from the API. */
export function parseApiMessage(text: string): Parsed<ApiMessage> {
  return parse(apiMessage, text);
}

/** The text frame of a message. */
export function encodeMessage(message: AgentMessage | ApiMessage): string {
  return JSON.stringify(message);
}

function parse<T>(schema: z.ZodType<T>, text: string): Parsed<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return { ok: false, problem: `not JSON: ${String(cause)}` };
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? { ok: true, message: parsed.data } : { ok: false, problem: z.prettifyError(parsed.error).slice(0, 2000) };
}
