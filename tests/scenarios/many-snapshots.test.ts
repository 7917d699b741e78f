/** Twenty in a row, twenty at once, a hundred pairs: one operation at a time, and every refusal says which. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectCommandsInTurn } from '../testkit/agent-journal.js';
import type { LabHost } from '../testkit/lab-host.js';
import { expectChains, expectNoOrphans, expectOneOperationAtATime } from '../testkit/on-disk.js';
import { askForSnapshot, type CreateAnswer, machineIsIdle, takeSnapshot, treeOf } from '../testkit/snapshot-calls.js';
import { type KnownMachine, World } from '../testkit/world.js';

const IN_A_ROW = 20;
const AT_ONCE = 20;
const PAIRS_PER_MACHINE = 50;

let world: World;

beforeAll(async () => {
  world = await World.start({ replicas: 2 });
});
afterAll(async () => {
  await world?.stop();
});

/** Accepted ones; asserts that each refusal is MACHINE_BUSY and names an operation of this machine. */
async function acceptedOf(known: KnownMachine, answers: readonly CreateAnswer[]): Promise<readonly CreateAnswer[]> {
  const operations = await world.admin.ask<{ operations: { nodes: { id: string }[] } }>(
    'query Held($id: ID!) { operations(first: 100, filter: { virtualMachineId: $id }) { nodes { id } } }',
    { id: known.id },
  );
  const ofMachine = new Set(operations.operations.nodes.map((node) => node.id));
  for (const answer of answers.filter((one) => one.snapshot === null)) {
    expect(answer.errors).toHaveLength(1);
    expect(answer.errors[0]).toMatchObject({ __typename: 'MachineBusy', code: 'MACHINE_BUSY' });
    expect(ofMachine.has(answer.errors[0]?.operation?.id ?? '')).toBe(true);
  }
  return answers.filter((answer) => answer.snapshot !== null);
}

/** Until it is answered nothing can end: else the second of two is accepted, rightly, where the first has ended before it was heard. */
async function whileStandsStill<T>({ agent }: LabHost, ask: () => Promise<T>): Promise<T> {
  agent.pause();
  try {
    return await ask();
  } finally {
    agent.resume();
  }
}

it('20 in a row, then 20 at once from two clients on two replicas: a chain of the right length', async () => {
  const known = await world.addMachine({ name: 'busy' });
  const clients = [world.as(world.acme.operatorToken, 0), world.as(world.acme.ownerToken, 1)] as const;
  for (let number = 1; number <= IN_A_ROW; number += 1)
    await takeSnapshot(clients[0], known, { name: `row ${number}`, quiesce: number % 2 === 0 });
  await expectChains(world, known, { vda: IN_A_ROW + 1, vdb: IN_A_ROW + 1 });

  const answers = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, number) => askForSnapshot(clients[number % 2 === 0 ? 0 : 1], known, { name: `at once ${number}` })),
  );
  const accepted = await acceptedOf(known, answers);
  expect(accepted.length).toBeGreaterThan(0);
  await machineIsIdle(world.admin, known);
  const nodes = (await treeOf(world.admin, known)).snapshotTree.nodes;
  expect(nodes.every((node) => node.state === 'READY')).toBe(true);
  expect(nodes).toHaveLength(IN_A_ROW + accepted.length);
  await expectChains(world, known, { vda: nodes.length + 1, vdb: nodes.length + 1 });
  // One branch: each node's parent is the one before it.
  expect(nodes.map((node) => node.parent?.id ?? null)).toEqual([null, ...nodes.slice(0, -1).map((node) => node.id)]);
});

it('VM-17: of two at once from two replicas exactly one runs, a hundred times', async () => {
  const hosts = ['h1', 'h2'];
  const rounds = hosts.map(async (host) => {
    const known = await world.addMachine({ name: `pairs-${host}`, host, power: 'off' });
    for (let round = 0; round < PAIRS_PER_MACHINE; round += 1) {
      const before = await machineIsIdle(world.admin, known);
      const answers = await whileStandsStill(world.host(host), () =>
        Promise.all([0, 1].map((replica) => askForSnapshot(world.as(world.acme.operatorToken, replica), known))),
      );
      expect(await acceptedOf(known, answers)).toHaveLength(1);
      expect(before.snapshotTree.nodes).toHaveLength(round);
    }
    await machineIsIdle(world.admin, known);
    await expectChains(world, known, { vda: PAIRS_PER_MACHINE + 1, vdb: PAIRS_PER_MACHINE + 1 });
  });
  await Promise.all(rounds);
});

it("and by the record, and by the agents' journals, no two operations of a machine ever ran at once", async () => {
  await expectNoOrphans(world);
  for (const host of world.hosts) expect(expectCommandsInTurn(host)).toBeGreaterThan(0);
  await expectOneOperationAtATime(world);
});
