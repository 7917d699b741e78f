import { valueOf } from './installation.js';
import { MachineWorld } from './machine-world.js';

/** What a test may want otherwise of a revert. */
type Changed = { snapshotFirst?: boolean; start?: boolean; idempotencyKey?: string };

/** An installation with one machine on one pretended host, and what tests of reverts ask of it. */
export class RevertWorld extends MachineWorld {
  static async start(): Promise<RevertWorld> {
    return new RevertWorld(await MachineWorld.parts());
  }

  requestFor(snapshotId: string, changed: Changed = {}) {
    return { snapshotId, snapshotFirst: false, start: false, planHash: null, idempotencyKey: null, ...changed };
  }

  async startRevert(snapshotId: string, changed: Changed = {}) {
    const asked = this.requestFor(snapshotId, changed);
    return valueOf(await this.replica.core.revertToVmSnapshot.revert(this.installation.operator(), asked));
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
