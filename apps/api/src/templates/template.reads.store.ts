/** Reads of templates for the public API; every function takes the scope. */
import type { AccessScope } from '../access/principal.js';
import { ownedBy } from '../access/scope.js';
import type { PageRequest, Slice } from '../graphql/page.js';
import { type OperationError, operationError } from '../operations/operation-error.js';
import type { Prisma, Template } from '../platform/generated/client.js';
import type { Reader } from '../platform/database.js';

/** A template as the API shows it. */
export type TemplateRecord = {
  __typename: 'Template';
  id: string;
  projectId: string;
  name: string;
  /** Of all its disks. */
  virtualBytes: number;
  physicalBytes: number;
  state: Template['state'];
  createdAt: Date;
  error: OperationError | null;
};

const NOT_DELETED = { state: { not: 'DELETED' } } satisfies Prisma.TemplateWhereInput;
const WITH_SIZES = { disks: { include: { layer: { select: { virtualBytes: true, allocatedBytes: true, state: true } } } } } as const;

type Row = Prisma.TemplateGetPayload<{ include: typeof WITH_SIZES }>;

function toRecord({ id, projectId, name, state, createdAt, error, disks }: Row): TemplateRecord {
  const onDisk = disks.filter(({ layer }) => layer.state !== 'DISCARDED');
  const sum = (bytes: readonly bigint[]) => Number(bytes.reduce((total, one) => total + one, 0n));
  return {
    __typename: 'Template',
    id,
    projectId,
    name,
    state,
    createdAt,
    virtualBytes: sum(disks.map(({ layer }) => layer.virtualBytes)),
    physicalBytes: sum(onDisk.map(({ layer }) => layer.allocatedBytes)),
    error: error === null || state !== 'ERROR' ? null : operationError.parse(error),
  };
}

/** The templates with these ids that the scope may read, in no order. */
export async function findTemplates(reader: Reader, scope: AccessScope, ids: readonly string[]): Promise<TemplateRecord[]> {
  const rows = await reader.template.findMany({ where: { id: { in: [...ids] }, ...NOT_DELETED, ...ownedBy(scope) }, include: WITH_SIZES });
  return rows.map(toRecord);
}

/** A page of templates by id, oldest first; `projectId` null: of every project that the scope may read. */
export async function pageTemplates(
  reader: Reader,
  wanted: { scope: AccessScope; projectId: string | null; page: PageRequest },
): Promise<Slice<TemplateRecord>> {
  const ofProject = wanted.projectId === null ? {} : { projectId: wanted.projectId };
  const where: Prisma.TemplateWhereInput = { AND: [ownedBy(wanted.scope), NOT_DELETED, ofProject] };
  const { after, take } = wanted.page;
  const rows = await reader.template.findMany({
    where: { AND: [where, after === null ? {} : { id: { gt: after } }] },
    orderBy: { id: 'asc' },
    take: take + 1,
    include: WITH_SIZES,
  });
  return { rows: rows.map(toRecord), count: () => reader.template.count({ where }) };
}
