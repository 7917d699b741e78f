/** The use cases that the resolver calls. Implemented in this folder; everything they need is passed in by core.ts. */
import type { Principal } from '../access/principal.js';
import type { Outcome } from '../errors/refusal.js';

/** Normalised input of createTemplate; exactly one source is to be given. */
export type CreateTemplateRequest = {
  name: string;
  vmSnapshotId: string | null;
  volumeSnapshotId: string | null;
  volumeId: string | null;
  idempotencyKey: string | null;
};

/** Normalised input of deleteTemplate. */
export type DeleteTemplateRequest = { templateId: string; idempotencyKey: string | null };

type StartedOnTemplate = { templateId: string; operationId: string };

export interface Templates {
  /** OPERATOR. Copies every disk of a VM snapshot. Other sources are CAPABILITY_DISABLED in this version. */
  create(principal: Principal, request: CreateTemplateRequest): Promise<Outcome<StartedOnTemplate>>;
  /** OWNER. HAS_CLONES while something reads it. */
  delete(principal: Principal, request: DeleteTemplateRequest): Promise<Outcome<StartedOnTemplate>>;
}
