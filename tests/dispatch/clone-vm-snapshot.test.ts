/** Clones and templates that fail, are cancelled or whose end nobody knows: nothing is left but what is recorded. */
import type { CommandOutcome } from '@coppice/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import { DeleteWorld } from './delete-world.js';
import { failure } from './fake-agent.js';
import { valueOf } from './installation.js';

let world: DeleteWorld;
let snapshotId: string;

beforeEach(async () => {
  world = await DeleteWorld.start();
  snapshotId = await world.take();
});
afterEach(() => world.stop());

type CloneRequest = Parameters<typeof world.replica.core.cloneVmSnapshot.clone>[1];

async function ask(changed: Partial<CloneRequest> = {}) {
  const request = { snapshotId, name: 'clone-1', linked: false, start: false, idempotencyKey: null, ...changed };
  return valueOf(await world.replica.core.cloneVmSnapshot.clone(world.owner(), request));
}

/** The agent answers the n-th command of this verb with that; every other it carries out. */
function answer(verb: string, outcome: CommandOutcome, n = 1): void {
  let seen = 0;
  const carryOut = world.agent.behave;
  world.agent.behave = (command) => {
    if (command.body.verb === verb) seen += 1;
    return command.body.verb === verb && seen === n ? outcome : carryOut(command);
  };
}

async function machineOf(id: string) {
  const [row] = await world.sql('SELECT state, power_state, name, domain_name FROM virtual_machine WHERE id = $1', [id]);
  return row;
}

async function layersOf(state: string): Promise<number> {
  const [row] = await world.sql(
    `SELECT count(*)::int AS n FROM layer l JOIN volume v ON v.id = l.volume_id WHERE l.state = $1::layer_state AND v.virtual_machine_id IS DISTINCT FROM $2`,
    [state, world.machine.id],
  );
  return Number(row?.['n']);
}

async function expectNothingLeft(machineId: string): Promise<void> {
  expect(await machineOf(machineId)).toMatchObject({ state: 'DESTROYED' });
  expect([await layersOf('PLANNED'), await layersOf('PRESENT'), await layersOf('DISCARDING'), await layersOf('DISCARDED')]).toEqual([
    0, 0, 0, 2,
  ]);
  expect(await world.sql('SELECT resource FROM claim')).toEqual([]);
  expect(await world.stateOf(snapshotId)).toBe('READY');
  await world.expectNoDrift();
}

it('a copy: one a disk, then the machine, each a step; the machine it was made of is held meanwhile', async () => {
  const before = world.verbs().length;
  const sent = await world.hold('define-machine');
  const { virtualMachineId, operationId } = await ask({ start: true });
  const command = await sent();
  expect(await world.sql('SELECT resource FROM claim WHERE resource LIKE $1 ORDER BY 1', ['machine:%'])).toHaveLength(2);
  expect(await machineOf(virtualMachineId)).toMatchObject({ state: 'UNKNOWN', name: 'clone-1' });
  const again = await world.replica.core.cloneVmSnapshot.clone(world.owner(), {
    snapshotId,
    name: 'clone-2',
    linked: true,
    start: false,
    idempotencyKey: null,
  });
  expect(again).toMatchObject({ ok: false, refusals: [{ code: 'MACHINE_BUSY', operationId }] });
  world.agent.finish(command, { kind: 'done', result: world.agent.carryOut(command) });
  expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
  expect(world.verbs().slice(before)).toEqual(['copy-layer', 'copy-layer', 'define-machine', 'change-power']);
  expect(await world.steps(operationId)).toEqual([
    'COPY_DATA SUCCEEDED',
    'COPY_DATA SUCCEEDED',
    'SAVE_DEFINITION SUCCEEDED',
    'START_MACHINE SUCCEEDED',
  ]);
  expect(await machineOf(virtualMachineId)).toMatchObject({ state: 'RUNNING', power_state: 'ON' });
  const roots = await world.sql(
    `SELECT 1 FROM layer l JOIN volume v ON v.head_layer_id = l.id WHERE v.virtual_machine_id = $1 AND l.backing_layer_id IS NULL`,
    [virtualMachineId],
  );
  expect(roots).toHaveLength(2);
  // Its host names the domain otherwise; the machine keeps its name, and is not drifted.
  await world.expectNoDrift();
  expect(await machineOf(virtualMachineId)).toMatchObject({ name: 'clone-1', domain_name: expect.stringMatching(/^clone-1-[0-9a-f]{8}$/) });
  const moves = (await world.installation.transitions('VIRTUAL_MACHINE')).slice(-3);
  expect(moves).toEqual(['VIRTUAL_MACHINE →UNKNOWN', 'VIRTUAL_MACHINE UNKNOWN→STOPPED', 'VIRTUAL_MACHINE STOPPED→RUNNING']);
});

it('the copy fails: the layers are discarded, there is no machine, and the snapshot is what it was', async () => {
  answer('copy-layer', failure('INSUFFICIENT_SPACE', 'The pool is full.'), 2);
  const { virtualMachineId, operationId } = await ask();
  expect(await world.operationEnd(operationId)).toBe('FAILED');
  expect(world.verbs().slice(-2)).toEqual(['copy-layer', 'discard-layers']);
  expect(await world.operation(operationId)).toMatchObject({ error: { code: 'INSUFFICIENT_SPACE' } });
  await expectNothingLeft(virtualMachineId);
});

it('nobody knows whether the machine was defined: it is taken from the host before its files go', async () => {
  answer('define-machine', { kind: 'forgotten' });
  const { virtualMachineId, operationId } = await ask({ linked: true });
  expect(await world.operationEnd(operationId)).toBe('FAILED');
  expect(world.verbs().slice(-3)).toEqual(['define-machine', 'remove-machine', 'discard-layers']);
  await expectNothingLeft(virtualMachineId);
});

it('cancelled while it copies: what was made goes', async () => {
  const sent = await world.hold('copy-layer', 2);
  const { virtualMachineId, operationId } = await ask();
  const command = await sent();
  valueOf(await world.replica.core.operations.cancel(world.owner(), operationId));
  await waitUntil('the host is told', () => world.agent.cancelRequests.includes(command.id));
  world.agent.finish(command, { kind: 'cancelled', left: 'NOTHING' });
  expect(await world.operationEnd(operationId)).toBe('CANCELLED');
  await expectNothingLeft(virtualMachineId);
});

it('it does not start: the machine is there and off, and the error says so', async () => {
  answer('change-power', failure('MACHINE_STATE', 'No memory is left on the host.'));
  const { virtualMachineId, operationId } = await ask({ linked: true, start: true });
  expect(await world.operationEnd(operationId)).toBe('FAILED');
  expect(await machineOf(virtualMachineId)).toMatchObject({ state: 'STOPPED', power_state: 'OFF' });
  expect(await world.operation(operationId)).toMatchObject({ error: { hint: expect.stringContaining('The new machine is there') } });
  await world.expectNoDrift();
});

async function template(name = 'golden') {
  const none = { volumeSnapshotId: null, volumeId: null, idempotencyKey: null };
  return world.replica.core.templates.create(world.owner(), { name, vmSnapshotId: snapshotId, ...none });
}

async function templateState(id: string) {
  const [row] = await world.sql('SELECT state FROM template WHERE id = $1', [id]);
  return row?.['state'];
}

function removeTemplate(templateId: string) {
  return world.replica.core.templates.delete(world.owner(), { templateId, idempotencyKey: null });
}

it('a template: files of its own that nothing merges; deleted unless something reads it, also after its machine', async () => {
  const { templateId, operationId } = valueOf(await template());
  expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
  expect(await templateState(templateId)).toBe('READY');
  expect(await world.sql('SELECT 1 FROM layer WHERE is_template AND is_frozen AND backing_layer_id IS NULL')).toHaveLength(2);
  expect(await template()).toMatchObject({ ok: false, refusals: [{ code: 'NAME_TAKEN' }] });
  const read = `UPDATE layer SET backing_layer_id = $1 WHERE id = (SELECT head_layer_id FROM volume WHERE virtual_machine_id = $2 AND target = 'vda')`;
  const [file] = await world.sql('SELECT layer_id FROM template_disk LIMIT 1');
  const [head] = await world.sql(`SELECT l.backing_layer_id FROM layer l JOIN volume v ON v.head_layer_id = l.id WHERE v.target = 'vda'`);
  await world.sql(read, [file?.['layer_id'], world.machine.id]);
  expect(await removeTemplate(templateId)).toMatchObject({ ok: false, refusals: [{ code: 'HAS_CLONES' }] });
  await world.sql(read, [head?.['backing_layer_id'], world.machine.id]);
  const gone = valueOf(
    await world.replica.core.machines.destroy(world.owner(), { virtualMachineId: world.machine.id, planHash: null, idempotencyKey: null }),
  );
  expect(await world.operationEnd(gone.operationId)).toBe('SUCCEEDED');
  expect(await templateState(templateId)).toBe('READY');
  const removed = valueOf(await removeTemplate(templateId));
  expect(await world.operationEnd(removed.operationId)).toBe('SUCCEEDED');
  expect(await templateState(templateId)).toBe('DELETED');
  expect(await world.sql(`SELECT 1 FROM layer WHERE is_template AND state <> 'DISCARDED'`)).toEqual([]);
  expect(await removeTemplate(templateId)).toMatchObject({ ok: false, refusals: [{ code: 'NOT_FOUND' }] });
  expect(await world.installation.transitions('TEMPLATE')).toEqual([
    'TEMPLATE →CREATING',
    'TEMPLATE CREATING→READY',
    'TEMPLATE READY→DELETING',
    'TEMPLATE DELETING→DELETED',
  ]);
});

it('a template that fails is in ERROR until it is deleted; other sources are refused before anything changes', async () => {
  answer('copy-layer', failure('IO_ERROR', 'The pool does not answer.'));
  const { templateId, operationId } = valueOf(await template());
  expect(await world.operationEnd(operationId)).toBe('FAILED');
  expect(await templateState(templateId)).toBe('ERROR');
  expect(await layersOf('DISCARDED')).toBe(2);
  const removed = valueOf(await removeTemplate(templateId));
  expect(await world.operationEnd(removed.operationId)).toBe('SUCCEEDED');
  const asked = { name: 'x', vmSnapshotId: null, volumeSnapshotId: null, volumeId: null, idempotencyKey: null };
  const { templates } = world.replica.core;
  expect(await templates.create(world.owner(), asked)).toMatchObject({ refusals: [{ code: 'INVALID_INPUT' }] });
  expect(await templates.create(world.owner(), { ...asked, volumeId: snapshotId })).toMatchObject({
    refusals: [{ code: 'CAPABILITY_DISABLED' }],
  });
});
