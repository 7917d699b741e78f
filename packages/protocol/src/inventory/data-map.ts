import { z } from 'zod';

/**
 * Where a layer itself holds data: base64 of varint pairs (gap, length) in bytes, ascending, as packages/snapshot-tree's encodeExtents writes
 * them. From `qemu-img map`, ranges of depth 0 with `data: true`. Coarsened (small gaps closed) until it fits.
 */
export const dataMap = z.base64().max(512 * 1024);
