import { z } from 'zod';

/** A UUID in lower case. Not only those of RFC 9562: a machine that was imported keeps what its first hypervisor made up. */
export const uuid = z.guid().toLowerCase();

/** Bytes, positions and numbers: whole, never negative, exact in JSON. */
export const count = z.int().nonnegative();

/** A moment as ISO 8601 in UTC. */
export const timestamp = z.iso.datetime();

/** The name of a storage pool as the agent's configuration has it. */
export const poolName = z.string().min(1).max(128);

/**
 * A file's name inside a pool: one path component, no control characters. The agent joins it to the pool's own folder and
 * checks the real path; a name from a tenant never gets here.
 */
export const fileName = z
  .string()
  .min(1)
  .max(255)
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused.
  .regex(/^[^/\u0000-\u001f\u007f]+$/)
  .refine((name) => name !== '.' && name !== '..');

/** The name that Coppice gives to layers it makes: `volume-<volume uuid>.<n>.qcow2` (domain.md, Create). */
export const layerFileName = z.string().regex(/^volume-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9]{1,9}\.qcow2$/);

/** Image formats that are supported; always told, never probed (kvm.md §9). */
export const imageFormat = z.enum(['qcow2', 'raw']);

/** vda, vdb, … as libvirt's `<target dev>`. */
export const diskTarget = z.string().regex(/^[a-z]{1,8}[0-9]{0,3}$/);

/** The names that Coppice gives to what it keeps of a snapshot beside its layers: the memory image and the copy of the NVRAM. */
export const snapshotFileName = z.string().regex(/^snapshot-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.(mem|nvram)$/);

/** A file that Coppice keeps of a snapshot, in a pool. */
export const snapshotFile = z.object({ pool: poolName, fileName: snapshotFileName });

/** The names that Coppice gives to copies that stand alone: of volume snapshots, templates, and the first layers of volumes. */
export const copyFileName = z
  .string()
  .regex(
    /^((snapshot|template)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|volume-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9]{1,9})\.qcow2$/,
  );

/** A SHA-256 in lower-case hexadecimal digits. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
