import type { CommandVerb } from '@coppice/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import { RevertWorld } from './revert-world.js';

let world: RevertWorld;

beforeEach(async () => {
  world = await RevertWorld.start();
});
afterEach(() => world.stop());

describe('cancelled', () => {
  const wasCancelled = { kind: 'cancelled' as const, left: 'NOTHING' as const };

  /** A revert whose command of that verb has reached the host and waits there. */
  async function workingAt(verb: CommandVerb) {
    const s1 = await world.take();
    world.agent.received.length = 0;
    world.agent.answerTo(verb, null);
    const started = await world.startRevert(s1, { snapshotFirst: true });
    const command = await waitUntil(`${verb} is sent`, () => world.agent.received.find(({ body }) => body.verb === verb));
    return { ...started, command };
  }

  it('before any host has it: ends at once, and nothing was made', async () => {
    const s1 = await world.take();
    world.agent.disconnect();
    await waitUntil('that is seen', async () => (await world.sql(`SELECT 1 FROM host WHERE state = 'DISCONNECTED'`)).length === 1);
    // As if nobody had seen it yet.
    await world.sql(`UPDATE host SET state = 'UP'`);
    world.agent.received.length = 0;
    const { operationId, safetySnapshotId } = await world.startRevert(s1, { snapshotFirst: true });
    expect(await world.replica.core.operations.cancel(world.installation.operator(), operationId)).toMatchObject({ ok: true });
    expect(await world.operationEnd(operationId)).toBe('CANCELLED');
    expect([await world.stateOf(s1), await world.stateOf(safetySnapshotId)]).toEqual(['READY', 'ERROR']);
    expect((await world.forest()).layers).toEqual(['0 PRESENT frozen', '1 PRESENT', '2 DISCARDED']);
    expect(world.verbs()).toEqual([]);
  });

  it('while the layers are made: the machine is what it was, and says so before', async () => {
    const { operationId, snapshotId, safetySnapshotId, command } = await workingAt('create-layers');
    const effects = await world.replica.core.operations.cancelEffects(world.installation.operator(), [operationId]);
    expect(effects.get(operationId)).toContain('nothing is reverted');
    expect(await world.replica.core.operations.cancel(world.installation.operator(), operationId)).toMatchObject({ ok: true });
    await waitUntil('the host is told', () => world.agent.cancelRequests.includes(command.id));
    world.agent.finish(command, wasCancelled);
    expect(await world.operationEnd(operationId)).toBe('CANCELLED');
    expect([await world.stateOf(snapshotId), await world.stateOf(safetySnapshotId)]).toEqual(['READY', 'ERROR']);
    expect(await world.machineRow()).toMatchObject({ state: 'RUNNING', claims: 0 });
  });

  it('and the layers were made all the same: it goes no further, and they are discarded', async () => {
    const { operationId, snapshotId, command } = await workingAt('create-layers');
    expect(await world.replica.core.operations.cancel(world.installation.operator(), operationId)).toMatchObject({ ok: true });
    world.agent.finish(command, { kind: 'done', result: world.agent.carryOut(command) });
    expect(await world.operationEnd(operationId)).toBe('CANCELLED');
    expect(world.verbs()).toEqual(['create-layers', 'discard-layers']);
    expect(await world.stateOf(snapshotId)).toBe('READY');
    expect((await world.forest()).layers).toEqual(['0 PRESENT frozen', '1 PRESENT', '2 DISCARDED']);
  });

  it('once the switch is sent: NOT_CANCELABLE, and it is done', async () => {
    const { operationId, snapshotId, command } = await workingAt('switch-heads');
    expect((await world.replica.core.operations.cancelEffects(world.installation.operator(), [operationId])).size).toBe(0);
    const late = await world.replica.core.operations.cancel(world.installation.operator(), operationId);
    expect(late).toMatchObject({ ok: false, refusals: [{ code: 'NOT_CANCELABLE' }] });
    world.agent.finish(command, { kind: 'done', result: world.agent.carryOut(command) });
    expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
    expect(await world.machineRow()).toMatchObject({ current_snapshot_id: snapshotId });
  });
});
