import { expect } from 'vitest';
import type { CommandIssued } from '@coppice/protocol';
import { waitUntil } from '../testkit/wait-until.js';
import { type Replica, valueOf } from './installation.js';
import { MachineWorld } from './machine-world.js';

type DeleteRequest = Parameters<Replica['core']['deleteVmSnapshots']['delete']>[1];

/** One pretended host with one machine, and what a test of deletes asks of it again and again. */
export class DeleteWorld extends MachineWorld {
  static async start(): Promise<DeleteWorld> {
    return new DeleteWorld(await MachineWorld.parts());
  }

  request(changed: Partial<DeleteRequest>): DeleteRequest {
    const plain = { snapshotIds: null, withDescendants: false, freeBytes: null, planHash: null, idempotencyKey: null };
    return { virtualMachineId: this.machine.id, ...plain, ...changed };
  }

  async begin(...snapshotIds: string[]): Promise<string> {
    return valueOf(await this.replica.core.deleteVmSnapshots.delete(this.owner(), this.request({ snapshotIds }))).operationId;
  }

  /** Deletes them and waits for the end. */
  async delete(...snapshotIds: string[]): Promise<void> {
    expect(await this.operationEnd(await this.begin(...snapshotIds))).toBe('SUCCEEDED');
  }

  async operation(id: string) {
    const [row] = await this.sql(`SELECT state, error FROM operation WHERE id = $1`, [id]);
    return row;
  }

  /** Kind and state of each step, in order. */
  async steps(operationId: string): Promise<string[]> {
    const rows = await this.sql('SELECT kind, state FROM operation_step WHERE operation_id = $1 ORDER BY position', [operationId]);
    return rows.map((row) => `${String(row['kind'])} ${String(row['state'])}`);
  }

  async parentOf(snapshotId: string): Promise<unknown> {
    const [row] = await this.sql('SELECT parent_id FROM vm_snapshot WHERE id = $1', [snapshotId]);
    return row?.['parent_id'];
  }

  async machineRow() {
    const [row] = await this.sql(
      'SELECT state, current_snapshot_id, drift, (SELECT count(*)::int FROM claim) AS claims FROM virtual_machine WHERE id = $1',
      [this.machine.id],
    );
    return row;
  }

  /** Per layer of vda: number, state, number of the layer below it, what a merge left of it. */
  async layers(): Promise<string[]> {
    const rows = await this.sql(
      `SELECT substring(l.file_name from '\\.(\\d+)\\.qcow2$')::int AS n, l.state, substring(b.file_name from '\\.(\\d+)\\.qcow2$')::int AS below,
              l.merge_state, v.head_layer_id = l.id AS is_head
       FROM layer l JOIN volume v ON v.id = l.volume_id LEFT JOIN layer b ON b.id = l.backing_layer_id WHERE v.target = 'vda' ORDER BY 1`,
    );
    return rows.map(({ n, state, below, merge_state: merge, is_head: isHead }) =>
      [
        `${Number(n)}>${below === null ? '-' : Number(below)}`,
        state,
        ...(merge === 'NONE' ? [] : [merge]),
        ...(isHead === true ? ['head'] : []),
      ].join(' '),
    );
  }

  /** Numbers of the layers of vda on the pretended host, head first. */
  onHost(): number[] {
    const disk = this.agent.machine(this.machine.uuid).disks.find((one) => one.target === 'vda');
    return disk?.chain.map((layer) => Number(/\.(\d+)\.qcow2$/.exec(layer.fileName)?.[1])) ?? [];
  }

  /** After the last operation the host was looked at once more, and it has what is recorded. */
  async expectNoDrift(): Promise<void> {
    await waitUntil('the last inventory', () => this.agent.inventoryRequests.at(-1) === this.machine.uuid);
    await waitUntil('no claim', async () => (await this.machineRow())?.['claims'] === 0);
    await this.agent.sendInventory();
    await waitUntil('no drift', async () => (await this.machineRow())?.['drift'] === null);
  }

  async stopMachine(): Promise<void> {
    this.agent.machine(this.machine.uuid).power = 'OFF';
    await this.agent.sendInventory();
    await waitUntil('the machine is stopped', async () => (await this.machineRow())?.['state'] === 'STOPPED');
  }

  /** Keeps the n-th command with this verb (from 1) unanswered; it resolves when the host has it. */
  async hold(verb: string, n = 1): Promise<() => Promise<CommandIssued>> {
    const carryOut = this.agent.behave;
    let seen = 0;
    const held: CommandIssued[] = [];
    this.agent.behave = (command) => {
      if (command.body.verb !== verb || held.some((one) => one.id === command.id)) return held.includes(command) ? null : carryOut(command);
      seen += 1;
      if (seen !== n) return carryOut(command);
      held.push(command);
      return null;
    };
    return () => waitUntil(`${verb} is sent`, () => held[0]);
  }
}
