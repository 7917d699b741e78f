/** Reads of machines for the public API. Every function takes the scope; rows outside of it do not exist for it. */
import { z } from 'zod';
import type { AccessScope } from '../access/principal.js';
import { ownedBy } from '../access/scope.js';
import type { PageRequest, Slice } from '../graphql/page.js';
import type { Reader } from '../platform/database.js';
import { literally } from '../platform/like-pattern.js';
import type { Prisma, VirtualMachine } from '../platform/generated/client.js';

const drift = z.object({
  detectedAt: z.coerce.date(),
  findings: z.array(
    z.object({
      code: z.string(),
      message: z.string(),
      volumeId: z.string().nullish(),
      path: z.string().nullish(),
      repairable: z.boolean(),
    }),
  ),
});

/** A machine as the API shows it. */
export type MachineRecord = {
  __typename: 'VirtualMachine';
  id: string;
  name: string;
  projectId: string | null;
  hostId: string;
  state: VirtualMachine['state'];
  powerState: VirtualMachine['powerState'];
  guestAgent: VirtualMachine['guestAgent'];
  vcpus: number;
  memoryBytes: number;
  drift: z.infer<typeof drift> | null;
};

/** What machines are wanted; null does not filter. */
export type MachineFilter = {
  projectId: string | null;
  hostId: string | null;
  state: VirtualMachine['state'] | null;
  keyword: string | null;
  unassigned: boolean | null;
};

function toRecord(row: VirtualMachine): MachineRecord {
  const { id, name, projectId, hostId, state, powerState, guestAgent, vcpus } = row;
  const found = row.drift === null ? null : drift.parse(row.drift);
  const memoryBytes = Number(row.memoryBytes);
  return { __typename: 'VirtualMachine', id, name, projectId, hostId, state, powerState, guestAgent, vcpus, memoryBytes, drift: found };
}

/** The machines with these ids that the scope may read, in no order. */
export async function findMachines(reader: Reader, scope: AccessScope, ids: readonly string[]): Promise<MachineRecord[]> {
  const rows = await reader.virtualMachine.findMany({ where: { id: { in: [...ids] }, ...ownedBy(scope) } });
  return rows.map(toRecord);
}

/** A page of machines by id, oldest first; DESTROYED ones only where the filter asks for that state. */
export async function pageMachines(
  reader: Reader,
  wanted: { scope: AccessScope; filter: MachineFilter; page: PageRequest },
): Promise<Slice<MachineRecord>> {
  const where: Prisma.VirtualMachineWhereInput = { AND: [ownedBy(wanted.scope), whereOf(wanted.filter)] };
  const { after, take } = wanted.page;
  const rows = await reader.virtualMachine.findMany({
    where: { AND: [where, after === null ? {} : { id: { gt: after } }] },
    orderBy: { id: 'asc' },
    take: take + 1,
  });
  return { rows: rows.map(toRecord), count: () => reader.virtualMachine.count({ where }) };
}

function whereOf(filter: MachineFilter): Prisma.VirtualMachineWhereInput {
  const where: Prisma.VirtualMachineWhereInput = { state: filter.state ?? { not: 'DESTROYED' } };
  if (filter.projectId !== null) where.projectId = filter.projectId;
  if (filter.hostId !== null) where.hostId = filter.hostId;
  if (filter.keyword !== null) where.name = { contains: literally(filter.keyword), mode: 'insensitive' };
  if (filter.unassigned !== null) where.project = filter.unassigned ? { is: null } : { isNot: null };
  return where;
}
