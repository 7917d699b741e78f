/** A pool that is full: a tmpfs of its own. Needs root. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PoolFolders } from '../../pools/pool-folders.js';
import { removeFile, takeName, writeOverlay } from './create-overlay.js';
import { hasOwnClusters, readImage } from './image-file.js';
import { runProgram } from './run-program.js';

let dir: string;
const inPool = (name: string) => join(dir, 'pool', name);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'coppice-full-'));
  await mkdir(join(dir, 'pool'));
  const mounted = await runProgram('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'coppice-test', join(dir, 'pool')], 10_000);
  expect(mounted).toMatchObject({ exitCode: 0 });
});

afterAll(async () => {
  await runProgram('umount', [join(dir, 'pool')], 10_000);
  await rm(dir, { recursive: true });
});

it('makes an overlay of the shape of the layer below, says INSUFFICIENT_SPACE when it cannot, and never writes into a file that is there', async () => {
  const made = await runProgram(
    'qemu-img',
    ['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=16384,extended_l2=on', inPool('head'), '64M'],
    10_000,
  );
  expect(made).toMatchObject({ exitCode: 0, stderr: '' });
  const backing = await readImage(inPool('head'), 'qcow2');
  const request = { path: inPool('first'), backing, virtualBytes: backing.virtualBytes };
  expect(await takeName(request.path)).toBe(true);
  expect(await takeName(request.path)).toBe(false);
  await writeOverlay(request);
  expect(await hasOwnClusters(request.path)).toBe(false);
  expect((await readImage(request.path, 'qcow2')).header).toMatchObject({
    clusterBytes: 16384,
    hasExtendedL2: true,
    backingName: inPool('head'),
  });

  const { availableBytes } = await new PoolFolders([{ name: 'p', type: 'LOCAL', path: join(dir, 'pool') }]).spaceOf('p');
  await writeFile(inPool('others'), Buffer.alloc(availableBytes - 4096));
  const second = { ...request, path: inPool('second') };
  expect(await takeName(second.path)).toBe(true);
  await expect(writeOverlay(second)).rejects.toMatchObject({ code: 'INSUFFICIENT_SPACE', retryable: true });
  // qemu-img took it away itself.
  expect(await removeFile(second.path)).toBe(false);
  expect(await removeFile(request.path)).toBe(true);
  expect((await readdir(join(dir, 'pool'))).toSorted()).toEqual(['head', 'others']);
});
