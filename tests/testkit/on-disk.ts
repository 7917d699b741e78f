import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { chainOnDisk, checkImage, disksOf, layerFilesOf, namesOf } from './outside-probes.js';
import type { KnownMachine, World } from './world.js';

/**
 * Asserts from outside that a machine's disks are as `lengths` snapshots should have left them: each chain as long as said, whole
 * backing names, explicit formats, no damage, live and persistent definition on the head, and no file in the pool that no chain names.
 */
export async function expectChains(
  world: World,
  known: KnownMachine,
  lengths: { readonly vda: number; readonly vdb: number },
): Promise<void> {
  const persistent = await disksOf(known.machine, 'persistent');
  const isRunning = (await known.machine.state()) === 'running';
  if (isRunning) expect(await disksOf(known.machine, 'live')).toEqual(persistent);
  for (const [index, target] of (['vda', 'vdb'] as const).entries()) {
    const disk = known.machine.guest.disks[index];
    const head = persistent[target];
    if (disk === undefined || head === undefined) throw new Error(`${known.machine.name} has no ${target}`);
    const chain = await chainOnDisk(head);
    expect(chain).toHaveLength(lengths[target]);
    const names = namesOf(chain);
    expect(names.at(-1)).toBe(`volume-${disk.volumeUuid}.0.qcow2`);
    for (const [depth, image] of chain.entries()) {
      const below = names[depth + 1];
      expect(image.format).toBe('qcow2');
      expect(image.backingName).toBe(below === undefined ? undefined : join(world.poolDir, below));
      expect(image.backingFormat).toBe(below === undefined ? undefined : 'qcow2');
      expect(image.virtualBytes).toBe(chain.at(-1)?.virtualBytes);
      // A head that a guest writes is never clean for others to look at.
      if (depth > 0 || !isRunning) await checkImage(join(world.poolDir, basename(image.path)));
    }
    expect([...(await layerFilesOf(world.poolDir, disk.volumeUuid))].sort()).toEqual([...names].sort());
  }
}

/** Asserts that the pool holds what the record calls present, and nothing else that looks like a layer. */
export async function expectNoOrphans(world: World): Promise<void> {
  const rows = await world.database.sql(`SELECT file_name FROM layer WHERE state = 'PRESENT'`);
  const recorded = rows.map((row) => String(row['file_name'])).sort();
  const onDisk = (await readdir(world.poolDir)).filter((name) => name.startsWith('volume-')).sort();
  expect(onDisk).toEqual(recorded);
}

/** Asserts that no two operations of one machine ever ran at the same time, and that none is left, by what the record says. */
export async function expectOneOperationAtATime(world: World): Promise<void> {
  const overlaps = await world.database.sql(
    `SELECT a.id, b.id AS other FROM operation a JOIN operation b ON a.virtual_machine_id = b.virtual_machine_id AND a.id < b.id
     WHERE tstzrange(a.started_at, coalesce(a.finished_at, 'infinity')) && tstzrange(b.started_at, coalesce(b.finished_at, 'infinity'))`,
  );
  expect(overlaps).toEqual([]);
  expect(await world.database.sql(`SELECT id FROM operation WHERE state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')`)).toEqual([]);
  expect(await world.database.sql('SELECT resource FROM claim')).toEqual([]);
}
