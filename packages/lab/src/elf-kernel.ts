/**
 * Debian's vmlinuz holds the kernel compressed with lz4 ("legacy" frame). QEMU boots the plain ELF kernel through PVH, which saves the decompression
 * under emulation (0.5 s of each boot).
 */
const LZ4_LEGACY_MAGIC = Buffer.from([0x02, 0x21, 0x4c, 0x18]);
/** A legacy frame is cut into blocks of so many bytes, uncompressed. */
const LEGACY_BLOCK_BYTES = 8 * 1024 * 1024;
const MIN_MATCH_BYTES = 4;
const ELF_MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);

/** Returns the ELF kernel inside a vmlinuz. Throws if there is no lz4 payload in it, or no ELF in that. */
export function cutElfKernel(vmlinuz: Buffer): Buffer {
  const start = vmlinuz.indexOf(LZ4_LEGACY_MAGIC);
  if (start < 0)
    throw new Error('this kernel is not compressed with lz4: expected the legacy lz4 magic in vmlinuz. Use a Debian 12 cloud kernel.');
  const kernel = decodeLegacyFrame(vmlinuz.subarray(start + LZ4_LEGACY_MAGIC.length));
  if (!kernel.subarray(0, 4).equals(ELF_MAGIC)) throw new Error('the payload of this vmlinuz is not an ELF kernel');
  return kernel;
}

/** Decodes blocks (32-bit length, data) until something that cannot be a block follows: vmlinuz ends the frame with the kernel's size, then code. */
function decodeLegacyFrame(frame: Buffer): Buffer {
  const blocks: Buffer[] = [];
  let at = 0;
  while (at + 4 <= frame.length) {
    const length = frame.readUInt32LE(at);
    if (length === 0 || length > LEGACY_BLOCK_BYTES + LEGACY_BLOCK_BYTES / 255 + 16 || at + 4 + length > frame.length) break;
    const block = decodeLz4Block(frame.subarray(at + 4, at + 4 + length), LEGACY_BLOCK_BYTES);
    blocks.push(block);
    at += 4 + length;
    if (block.length < LEGACY_BLOCK_BYTES) break;
  }
  return Buffer.concat(blocks);
}

/** Decodes one lz4 block of at most `maxBytes`. Format: token (literal length, match length), literals, 16-bit offset back, … Throws on anything malformed. */
export function decodeLz4Block(source: Buffer, maxBytes: number): Buffer {
  const target = Buffer.allocUnsafe(maxBytes);
  let from = 0;
  let to = 0;
  while (from < source.length) {
    const token = byteAt(source, from++);
    const literals = readLength(source, from, token >> 4);
    from = literals.next;
    if (from + literals.length > source.length || to + literals.length > maxBytes)
      throw new Error('lz4: literals run past the end of the block');
    source.copy(target, to, from, from + literals.length);
    from += literals.length;
    to += literals.length;
    if (from >= source.length) break;
    const offset = source.readUInt16LE(from);
    const match = readLength(source, from + 2, token & 15);
    from = match.next;
    to = copyMatch(target, { to, offset, length: match.length + MIN_MATCH_BYTES });
  }
  return target.subarray(0, to);
}

/** A nibble of 15 is continued by bytes, each added, until one is below 255. */
function readLength(source: Buffer, from: number, nibble: number): { length: number; next: number } {
  let length = nibble;
  let next = from;
  if (nibble === 15) {
    let byte: number;
    do {
      byte = byteAt(source, next++);
      length += byte;
    } while (byte === 255);
  }
  return { length, next };
}

/** A match may overlap what it writes (a run), so it is copied in pieces no longer than the offset. */
function copyMatch(target: Buffer, match: { to: number; offset: number; length: number }): number {
  const { offset, length } = match;
  let to = match.to;
  if (offset === 0 || offset > to || to + length > target.length) throw new Error('lz4: a match points outside the block');
  const end = to + length;
  while (to < end) {
    const piece = Math.min(offset, end - to);
    target.copyWithin(to, to - offset, to - offset + piece);
    to += piece;
  }
  return end;
}

function byteAt(source: Buffer, at: number): number {
  const byte = source[at];
  if (byte === undefined) throw new Error('lz4: the block ends in the middle of a length');
  return byte;
}
