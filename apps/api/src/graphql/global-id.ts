/** Relay global ids: opaque to clients, `<type>:<uuid>` in base64url inside. */

/** The contract's types that have an id of their own in this version. */
export const NODE_TYPES = [
  'Project',
  'User',
  'AccessToken',
  'Zone',
  'Cluster',
  'Host',
  'StoragePool',
  'VirtualMachine',
  'Volume',
  'VmSnapshot',
  'VolumeSnapshot',
  'Template',
  'Operation',
] as const;
export type NodeType = (typeof NODE_TYPES)[number];

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The text that clients see. */
export function toGlobalId(type: string, id: string): string {
  return Buffer.from(`${type}:${id}`).toString('base64url');
}

/** Reads a global id; null where the text is not one of ours, which callers answer like an object that is not there. */
export function fromGlobalId(text: string): { type: NodeType; id: string } | null {
  const [name, id, ...rest] = Buffer.from(text, 'base64url').toString().split(':');
  const type = NODE_TYPES.find((known) => known === name);
  if (type === undefined || id === undefined || rest.length > 0 || !UUID.test(id)) return null;
  return { type, id };
}

/** The plain id of a global id of exactly this type; null where it is of another type or no id at all. */
export function plainId(type: NodeType, text: string): string | null {
  const decoded = fromGlobalId(text);
  return decoded?.type === type ? decoded.id : null;
}

/** The uuid that can never be anybody's: filters by an id that is not one of ours match nothing instead of everything. */
export const NOBODY = '00000000-0000-0000-0000-000000000000';

/** A filter's id: null where the client did not filter, NOBODY where its id cannot be anything. */
export function filterId(type: NodeType, text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : (plainId(type, text) ?? NOBODY);
}
