/** The examples of README.md run, in order, as a newcomer would run them. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { OperationTypeNode } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EventStream } from '../testkit/event-stream.js';
import { machineIsIdle, takeSnapshot } from '../testkit/snapshot-calls.js';
import { type KnownMachine, World } from '../testkit/world.js';
import { type TourExample, tourExamples, valuesFor } from './tour-examples.js';

const README = new URL('../../README.md', import.meta.url);

let world: World;
let machine: KnownMachine;
/** What the variables of the examples mean: the machine, a key, the cursor, and what the newest answer showed. */
const known = new Map<string, string>();

beforeAll(async () => {
  world = await World.start({ hosts: ['demo-1'] });
  machine = await world.addMachine({ name: 'web-1', host: 'demo-1' });
  known.set('machine', machine.id).set('key', randomUUID()).set('project', world.acme.id);
  known.set('after', (await world.admin.ask<{ cursor: string }>('query Now { cursor }')).cursor);
});
afterAll(async () => {
  await world?.stop();
});

const examples = tourExamples(readFileSync(README, 'utf8'));

it('has a tour', () => {
  expect(examples.length).toBeGreaterThanOrEqual(3);
  expect(new Set(examples.map((example) => example.name)).size).toBe(examples.length);
});

it.each(examples.map((example) => [example.name, example] as const))('the example "%s" runs', async (_name, example) => {
  if (example.operation === OperationTypeNode.SUBSCRIPTION) return followed(example);
  const answer = await world.as(tokenFor(example)).ask<Record<string, unknown>>(example.document, valuesFor(example, known));
  expect(refusalsIn(answer)).toEqual([]);
  remember(answer);
  if (example.operation === OperationTypeNode.MUTATION) await machineIsIdle(world.admin, machine);
});

function tokenFor(example: TourExample): string {
  return example.asAdmin ? world.adminToken : world.acme.ownerToken;
}

/** Runs a subscription until it has delivered something; a snapshot is taken meanwhile, so that something happens. */
async function followed(example: TourExample): Promise<void> {
  const token = tokenFor(example);
  const { document } = example;
  const variables = valuesFor(example, known);
  const stream = EventStream.open<Record<string, unknown>>({ transport: 'ws', url: world.replica().url, token, document, variables });
  try {
    await takeSnapshot(world.as(token), machine, {});
    const events = await stream.until('an event', (seen) => seen.length > 0);
    for (const event of events) remember(event);
    expect(stream.failure).toBeUndefined();
  } finally {
    stream.close();
  }
}

function refusalsIn(answer: Record<string, unknown>): unknown[] {
  return Object.values(answer).flatMap((field) =>
    typeof field === 'object' && field !== null && 'errors' in field && Array.isArray(field.errors) ? field.errors : [],
  );
}

/** Later examples may mean the newest snapshot and operation that were shown. */
function remember(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, one] of Object.entries(value)) {
    const isNamed = key === 'snapshot' || key === 'operation';
    if (isNamed && typeof one === 'object' && one !== null && 'id' in one && typeof one.id === 'string') known.set(key, one.id);
    remember(one);
  }
}
