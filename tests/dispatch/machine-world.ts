/** A machine on a pretended host, and what tests of its work ask again and again. */
import type { Principal } from '@coppice/api/access/principal.js';
import { expect } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import type { FakeAgent } from './fake-agent.js';
import { Installation, type Replica, requestOf, valueOf } from './installation.js';

/** What a world is made of. */
export type MachineWorldParts = Pick<MachineWorld, 'installation' | 'replica' | 'agent' | 'machine'>;

/** One replica, one pretended host h1, and on it one machine web-1 with two disks that runs. */
export class MachineWorld {
  readonly installation: Installation;
  readonly agent: FakeAgent;
  readonly machine: { id: string; uuid: string };
  replica: Replica;

  constructor(parts: MachineWorldParts) {
    this.installation = parts.installation;
    this.agent = parts.agent;
    this.machine = parts.machine;
    this.replica = parts.replica;
  }

  static async parts(): Promise<MachineWorldParts> {
    const installation = await Installation.start();
    const replica = await installation.replica();
    const agent = await installation.host(replica, 'h1');
    return { installation, replica, agent, machine: await installation.machine(replica, agent, 'web-1') };
  }

  stop(): Promise<void> {
    return this.installation.stop();
  }

  sql(...asked: Parameters<Installation['database']['sql']>) {
    return this.installation.database.sql(...asked);
  }

  owner(): Principal {
    return ownerOf(this.installation);
  }

  /** Takes a snapshot and waits for it; answers its id. */
  async take(changed: Parameters<typeof requestOf>[1] = {}): Promise<string> {
    const { core } = this.replica;
    const created = valueOf(await core.createVmSnapshot.create(this.installation.operator(), requestOf(this.machine.id, changed)));
    expect(await this.operationEnd(created.operationId)).toBe('SUCCEEDED');
    return created.snapshotId;
  }

  /** The state in which an operation ended, once it has. */
  async operationEnd(id: string): Promise<string> {
    return waitUntil('the end of the operation', async () => {
      const [row] = await this.sql('SELECT state FROM operation WHERE id = $1 AND finished_at IS NOT NULL', [id]);
      return row && String(row['state']);
    });
  }

  async stateOf(snapshotId: string | null): Promise<string> {
    const [row] = await this.sql('SELECT state FROM vm_snapshot WHERE id = $1', [snapshotId]);
    return String(row?.['state']);
  }

  /** What the host was asked for, in order. */
  verbs(): string[] {
    return this.agent.received.map((command) => command.body.verb);
  }
}

/** The installation's caller as an OWNER of its project. */
export function ownerOf(installation: Installation): Principal {
  return { ...installation.operator(), roles: new Map([[installation.projectId, 'OWNER']]) };
}

/** A request about one machine. */
export function about(machine: { id: string }, idempotencyKey: string | null = null) {
  return { virtualMachineId: machine.id, planHash: null, idempotencyKey };
}

/** The code of a refusal, or `done`. */
export function codeOf(outcome: { ok: boolean; refusals?: readonly { code: string }[] }): string {
  return outcome.refusals?.[0]?.code ?? 'done';
}

/** Waits for the end of an operation; answers how it ended and how its machine is. */
export async function ended(installation: Installation, operationId: string): Promise<Record<string, unknown>> {
  return waitUntil('the operation ends', async () => {
    const [row] = await installation.database.sql(
      `SELECT o.state::text, o.error->>'code' AS code, m.state::text AS machine, m.power_state::text AS power, (SELECT count(*)::int FROM claim) AS claims
       FROM operation o JOIN virtual_machine m ON m.id = o.virtual_machine_id WHERE o.id = $1 AND o.finished_at IS NOT NULL`,
      [operationId],
    );
    return row;
  });
}

/** Takes a snapshot of all disks and waits for it; answers its id. */
export async function snapshotOf(installation: Installation, replica: Replica, machine: { id: string }): Promise<string> {
  const outcome = await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id));
  const { snapshotId, operationId } = valueOf(outcome);
  expect(await ended(installation, operationId)).toMatchObject({ state: 'SUCCEEDED' });
  return snapshotId;
}

/** Codes of a machine's findings, in order; null without drift. */
export async function driftOf(installation: Installation, machine: { id: string }): Promise<string | null> {
  const [row] = await installation.database.sql(
    `SELECT (SELECT string_agg(f->>'code', ' ') FROM jsonb_array_elements(drift->'findings') f) AS codes FROM virtual_machine WHERE id = $1`,
    [machine.id],
  );
  const codes = row?.['codes'];
  return typeof codes === 'string' ? codes : null;
}
