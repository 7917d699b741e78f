/** The audit trail: every mutation leaves one event, refused ones too. Written here, read by nobody in this version but by SQL. */
import type { Principal } from '../access/principal.js';
import type { Outcome } from '../errors/refusal.js';
import { newId } from '../platform/ids.js';
import type { Reader } from '../platform/database.js';

/** What was done or tried. `outcome`: DONE, or the code of the first refusal. */
export type AuditRecord = {
  principal: Principal;
  /** The mutation's name. */
  action: string;
  projectId: string | null;
  subjectId: string | null;
  subjectName?: string | null;
  operationId?: string | null;
  outcome: string;
  detail?: string | null;
};

/** Longest name or detail that is kept, in characters: both can come from a client. */
const MAX_TEXT = 500;

/** Writes one event; within the transaction of what it tells of, where there is one. */
export async function recordAudit(writer: Reader, record: AuditRecord): Promise<void> {
  const { principal, action, projectId, subjectId, operationId = null, outcome } = record;
  const subjectName = record.subjectName?.slice(0, MAX_TEXT) ?? null;
  const detail = record.detail?.slice(0, MAX_TEXT) ?? null;
  await writer.auditEvent.create({
    data: { id: newId(), actor: principal.actor, action, projectId, subjectId, subjectName, operationId, outcome, detail },
    select: { id: true },
  });
}

/** Writes the event of a refusal, and passes the outcome on. */
export async function auditRefusal<T>(
  writer: Reader,
  tried: Omit<AuditRecord, 'outcome' | 'detail'>,
  outcome: Outcome<T>,
): Promise<Outcome<T>> {
  if (!outcome.ok) await recordAudit(writer, { ...tried, outcome: outcome.refusals[0].code, detail: outcome.refusals[0].message });
  return outcome;
}
