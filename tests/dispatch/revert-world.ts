import { expect } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import type { FakeAgent } from './fake-agent.js';
import { Installation, type Replica, requestOf, valueOf } from './installation.js';

/** What a test may want otherwise of a revert. */
type Changed = { snapshotFirst?: boolean; start?: boolean; idempotencyKey?: string };

/** An installation with one machine on one pretended host, and what tests of reverts ask of it. */
export class RevertWorld {
  readonly installation: Installation;
  readonly agent: FakeAgent;
  readonly machine: { id: string; uuid: string };
  replica: Replica;

  private constructor(parts: { installation: Installation; replica: Replica; agent: FakeAgent; machine: { id: string; uuid: string } }) {
    this.installation = parts.installation;
    this.replica = parts.replica;
    this.agent = parts.agent;
    this.machine = parts.machine;
  }

  static async start(): Promise<RevertWorld> {
    const installation = await Installation.start();
    const replica = await installation.replica();
    const agent = await installation.host(replica, 'h1');
    return new RevertWorld({ installation, replica, agent, machine: await installation.machine(replica, agent, 'web-1') });
  }

  stop(): Promise<void> {
    return this.installation.stop();
  }

  sql(...asked: Parameters<Installation['database']['sql']>) {
    return this.installation.database.sql(...asked);
  }

  requestFor(snapshotId: string, changed: Changed = {}) {
    return { snapshotId, snapshotFirst: false, start: false, planHash: null, idempotencyKey: null, ...changed };
  }

  async snapshotState(id: string | null): Promise<string> {
    const [row] = await this.sql('SELECT state FROM vm_snapshot WHERE id = $1', [id]);
    return String(row?.['state']);
  }

  /** The state in which an operation ended, once it has. */
  async operationEnd(id: string): Promise<string> {
    return waitUntil('the end of the operation', async () => {
      const [row] = await this.sql(`SELECT state FROM operation WHERE id = $1 AND finished_at IS NOT NULL`, [id]);
      return row && String(row['state']);
    });
  }

  async take(changed: Parameters<typeof requestOf>[1] = {}): Promise<string> {
    const asked = requestOf(this.machine.id, changed);
    const created = valueOf(await this.replica.core.createVmSnapshot.create(this.installation.operator(), asked));
    expect(await this.operationEnd(created.operationId)).toBe('SUCCEEDED');
    return created.snapshotId;
  }

  async startRevert(snapshotId: string, changed: Changed = {}) {
    const asked = this.requestFor(snapshotId, changed);
    return valueOf(await this.replica.core.revertToVmSnapshot.revert(this.installation.operator(), asked));
  }

  /** What the host was asked for, in order. */
  verbs(): string[] {
    return this.agent.received.map((command) => command.body.verb);
  }

  /** Per disk: the head's number, the number of the layer below it; then what became of every layer of vda. */
  async forest() {
    const number = `substring(%.file_name from '\\.(\\d+)\\.qcow2$')::int`;
    const heads = await this.sql(
      `SELECT v.target, ${number.replace('%', 'h')} AS head, ${number.replace('%', 'b')} AS below, h.state
       FROM volume v JOIN layer h ON h.id = v.head_layer_id LEFT JOIN layer b ON b.id = h.backing_layer_id
       WHERE v.virtual_machine_id = $1 ORDER BY v.target`,
      [this.machine.id],
    );
    const layers = await this.sql(
      `SELECT ${number.replace('%', 'l')} AS n, state, is_frozen FROM layer l JOIN volume v ON v.id = l.volume_id WHERE v.target = 'vda' ORDER BY 1`,
    );
    return { heads, layers: layers.map((row) => [row['n'], row['state'], ...(row['is_frozen'] === true ? ['frozen'] : [])].join(' ')) };
  }

  async machineRow() {
    const [row] = await this.sql(
      `SELECT state, power_state, current_snapshot_id, vcpus, drift, (SELECT count(*)::int FROM claim) AS claims FROM virtual_machine WHERE id = $1`,
      [this.machine.id],
    );
    return row;
  }
}
