/** Bytes that merges moved, counted by others than the product: by what qemu-img map says of files before, and by what is in them after. */
import { createHash } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '@coppice/lab';
import { plainId } from './plain-id.js';
import type { World } from './world.js';

const DEADLINE_MS = 120_000;
const CLUSTER = 64 * 1024;

interface MapEntry {
  readonly start: number;
  readonly length: number;
  readonly depth: number;
  readonly present: boolean;
  readonly data: boolean;
}

/** Clusters of data that a file holds by itself, whatever is below it. */
export async function ownClusters(path: string): Promise<ReadonlySet<number>> {
  const argv = ['map', '-U', '-f', 'qcow2', '--output=json', path];
  const { stdout } = await runProgram('qemu-img', argv, { deadlineMs: DEADLINE_MS });
  const entries: MapEntry[] = JSON.parse(stdout);
  const clusters = new Set<number>();
  for (const { start, length, depth, data } of entries) {
    if (depth !== 0 || !data) continue;
    for (let at = Math.floor(start / CLUSTER); at * CLUSTER < start + length; at += 1) clusters.add(at);
  }
  return clusters;
}

/**
 * The least that making one file of a run can move, in bytes, by every file of it (bottom first) as the target: what is above, plus what is below and
 * covered by nothing from the target up. Written on purpose without looking at how the planner does it.
 */
export function costsByTarget(run: readonly ReadonlySet<number>[]): readonly number[] {
  return run.map((_, target) => {
    let moved = 0;
    const all = new Set(run.flatMap((clusters) => [...clusters]));
    for (const cluster of all) {
      const topmost = run.findLastIndex((clusters) => clusters.has(cluster));
      if (topmost !== target) moved += CLUSTER;
    }
    return moved;
  });
}

/** What each cluster of a file itself holds, without what is below it: a sum for each that has data. */
export async function ownContent(path: string): Promise<ReadonlyMap<number, string>> {
  const clusters = await ownClusters(path);
  const scratch = await mkdtemp(join(tmpdir(), 'coppice-own-'));
  const raw = join(scratch, 'own.raw');
  const alone = `json:${JSON.stringify({ driver: 'qcow2', backing: null, file: { driver: 'file', filename: path } })}`;
  try {
    await runProgram('qemu-img', ['convert', '-U', '-O', 'raw', alone, raw], { deadlineMs: DEADLINE_MS });
    return await sumsOf(raw, clusters);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Bytes of clusters that a file has now and had not before, or had otherwise. */
export function writtenBytes(before: ReadonlyMap<number, string>, after: ReadonlyMap<number, string>): number {
  return [...after].filter(([cluster, sum]) => before.get(cluster) !== sum).length * CLUSTER;
}

/** Bytes that the hosts say the merges of an operation moved. */
export async function bytesTold(world: World, operationId: string): Promise<number> {
  const [row] = await world.database.sql(
    `SELECT coalesce(sum((outcome->'result'->>'bytesMoved')::bigint), 0) AS bytes FROM command
     WHERE operation_id = $1::uuid AND verb = 'merge-layers' AND outcome->>'kind' = 'done'`,
    [plainId(operationId)],
  );
  return Number(row?.['bytes']);
}

async function sumsOf(raw: string, clusters: ReadonlySet<number>): Promise<ReadonlyMap<number, string>> {
  const sums = new Map<number, string>();
  const file = await open(raw, 'r');
  try {
    const buffer = Buffer.alloc(CLUSTER);
    for (const cluster of clusters) {
      const { bytesRead } = await file.read(buffer, 0, CLUSTER, cluster * CLUSTER);
      sums.set(cluster, createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('hex'));
    }
    return sums;
  } finally {
    await file.close();
  }
}
