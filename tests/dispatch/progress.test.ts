import type { OperationProgress } from '@coppice/api/operations/progress-bus.js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import { Installation, requestOf, valueOf } from './installation.js';

let installation: Installation;

beforeEach(async () => {
  installation = await Installation.start();
});
afterEach(() => installation.stop());

it('carries what a host says of its steps to every replica, newest only, at most four times a second', async () => {
  const [holder, other] = [await installation.replica(), await installation.replica()];
  const agent = await installation.host(holder, 'h1');
  const machine = await installation.machine(holder, agent, 'web-1');
  const heard: OperationProgress[] = [];
  const stop = other.core.progress.subscribe((progress) => heard.push(progress));
  agent.behave = () => null;
  const { operationId } = valueOf(await holder.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id)));
  const command = await agent.nthCommand(1);
  const began = performance.now();
  for (let done = 0; done <= 200; done += 1) {
    agent.say({
      type: 'command.progressed',
      commandId: command.id,
      step: 'CREATE_LAYER',
      target: 'vda',
      state: done === 200 ? 'SUCCEEDED' : 'RUNNING',
      bytesDone: done,
      bytesTotal: 200,
      at: new Date().toISOString(),
    });
  }
  await waitUntil('the end of the step is heard', () => heard.at(-1)?.bytesDone === 200);
  stop();
  expect(heard.length).toBeLessThanOrEqual(2 + (performance.now() - began) / 250);
  expect(heard.at(-1)).toMatchObject({ operationId, percent: 17, bytesTotal: 200, steps: [{ position: 0, state: 'SUCCEEDED' }] });
  expect(other.core.progress.latest(operationId)).toEqual(heard.at(-1));
  const [row] = await installation.database.sql('SELECT revision FROM operation');
  expect(heard.at(-1)?.revision).toBe(row?.['revision']);
});

it('takes no progress from a host that does not have the command', async () => {
  const replica = await installation.replica();
  const agent = await installation.host(replica, 'h1');
  const stranger = await installation.host(replica, 'h2');
  const machine = await installation.machine(replica, agent, 'web-1');
  agent.behave = () => null;
  const { operationId } = valueOf(await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id)));
  const command = await agent.nthCommand(1);
  const at = new Date().toISOString();
  const said = { type: 'command.progressed' as const, commandId: command.id, step: 'CREATE_LAYER' as const, target: null, at };
  stranger.say({ ...said, state: 'FAILED', bytesDone: null, bytesTotal: null });
  stranger.finish(command, { kind: 'done', result: agent.carryOut(command) });
  await waitUntil('its report is acknowledged', () => stranger.acknowledged.length === 1);
  expect(replica.core.progress.latest(operationId)).toBeNull();
  expect(await installation.database.sql(`SELECT 1 FROM command WHERE state = 'FINISHED'`)).toEqual([]);
});
