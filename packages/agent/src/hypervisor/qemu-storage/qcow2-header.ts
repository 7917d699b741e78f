/**
 * The header of a qcow2 image, read by ourselves: qemu-img opens what a header names, and a header may be somebody else's text (kvm.md §9).
 * Layout: docs/interop/qcow2.txt of QEMU, versions 2 and 3.
 */
const MAGIC = 0x514649fb;
const V2_HEADER_BYTES = 72;
const V3_HEADER_BYTES = 104;
const EXTENSION = { END: 0, BACKING_FORMAT: 0xe2792aca } as const;
const INCOMPATIBLE = { CORRUPT: 1n << 1n, EXTERNAL_DATA: 1n << 2n, EXTENDED_L2: 1n << 4n, KNOWN: 0b11111n } as const;
const MAX_BACKING_NAME_BYTES = 1023;

/** Enough for every header: QEMU keeps header, extensions and backing name inside the first cluster, and writes them at its beginning. */
export const HEADER_READ_BYTES = 64 * 1024;

/** What a header says. Sizes in bytes. */
export interface Qcow2Header {
  readonly virtualBytes: number;
  readonly clusterBytes: number;
  readonly hasExtendedL2: boolean;
  readonly internalSnapshots: number;
  /** As written there; null for an image without backing. */
  readonly backingName: string | null;
  /** Null where the header does not say it: then QEMU would have to guess, and we refuse. */
  readonly backingFormat: string | null;
  readonly l1Table: { readonly offset: number; readonly entries: number };
}

/** The image is not one that may be opened; `message` says why. */
export class ImageProblem extends Error {
  override readonly name = 'ImageProblem';
}

/** Parses the first bytes of an image. Throws ImageProblem for everything that is not a plain, unencrypted, self-contained qcow2. */
export function parseQcow2Header(bytes: Buffer): Qcow2Header {
  if (bytes.length < V2_HEADER_BYTES || bytes.readUInt32BE(0) !== MAGIC) throw new ImageProblem('it is not a qcow2 image');
  const version = bytes.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw new ImageProblem(`its qcow2 version is ${version}`);
  if (version === 3 && bytes.length < V3_HEADER_BYTES) throw new ImageProblem('its header is cut off');
  const incompatible = version === 3 ? bytes.readBigUInt64BE(72) : 0n;
  requireSupported(bytes, incompatible);
  const clusterBits = bytes.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) throw new ImageProblem(`its clusters have 2^${clusterBits} bytes`);
  const backingName = backingNameOf(bytes);
  const extensionsFrom = version === 3 ? bytes.readUInt32BE(100) : V2_HEADER_BYTES;
  return {
    virtualBytes: safe(bytes.readBigUInt64BE(24), 'virtual size'),
    clusterBytes: 2 ** clusterBits,
    hasExtendedL2: (incompatible & INCOMPATIBLE.EXTENDED_L2) !== 0n,
    internalSnapshots: bytes.readUInt32BE(60),
    backingName,
    backingFormat: backingName === null ? null : backingFormatOf(bytes, extensionsFrom),
    l1Table: { offset: safe(bytes.readBigUInt64BE(40), 'L1 table'), entries: bytes.readUInt32BE(36) },
  };
}

function requireSupported(bytes: Buffer, incompatible: bigint): void {
  if (bytes.readUInt32BE(32) !== 0) throw new ImageProblem('it is encrypted');
  if ((incompatible & INCOMPATIBLE.EXTERNAL_DATA) !== 0n) throw new ImageProblem('it keeps its data in another file');
  if ((incompatible & INCOMPATIBLE.CORRUPT) !== 0n) throw new ImageProblem('QEMU marked it as corrupt');
  if ((incompatible & ~INCOMPATIBLE.KNOWN) !== 0n) throw new ImageProblem('it uses qcow2 features that are not known here');
}

function backingNameOf(bytes: Buffer): string | null {
  const offset = safe(bytes.readBigUInt64BE(8), 'backing name');
  const length = bytes.readUInt32BE(16);
  if (offset === 0 || length === 0) return null;
  if (length > MAX_BACKING_NAME_BYTES || offset + length > bytes.length) throw new ImageProblem('its backing name lies outside its header');
  return bytes.toString('utf8', offset, offset + length);
}

function backingFormatOf(bytes: Buffer, from: number): string | null {
  for (let at = from; at + 8 <= bytes.length; ) {
    const type = bytes.readUInt32BE(at);
    const length = bytes.readUInt32BE(at + 4);
    if (type === EXTENSION.END) return null;
    if (at + 8 + length > bytes.length) throw new ImageProblem('a header extension is cut off');
    if (type === EXTENSION.BACKING_FORMAT) return bytes.toString('latin1', at + 8, at + 8 + length);
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return null;
}

function safe(value: bigint, what: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ImageProblem(`its ${what} is ${value}`);
  return Number(value);
}
