import type { Principal } from '@coppice/api/access/principal.js';
import { expect } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import { type Installation, type Replica, requestOf, valueOf } from './installation.js';

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
