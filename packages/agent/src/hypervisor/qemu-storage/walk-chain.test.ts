/** Headers and chains that qemu-img itself made, and some that nobody should make. */
import { link, mkdtemp, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hasOwnClusters, readImage } from './image-file.js';
import { runProgram } from './run-program.js';
import { walkChain } from './walk-chain.js';

let dir: string;
const at = (name: string) => join(dir, name);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'coppice-chain-'));
});

afterAll(() => rm(dir, { recursive: true }));

async function qemu(program: 'qemu-img' | 'qemu-io', ...argv: string[]): Promise<void> {
  const end = await runProgram(program, argv, 20_000);
  if (end.exitCode !== 0) throw new Error(end.stderr);
}

/** An overlay whose header names `backing`, whatever that is. */
function overlay(name: string, backing: string, ...more: string[]): Promise<void> {
  return qemu('qemu-img', 'create', '-q', '-u', '-f', 'qcow2', '-F', 'qcow2', '-b', backing, ...more, at(name), '1G');
}

/** Changes bytes of a header. */
async function patch(name: string, offset: number, bytes: Buffer): Promise<void> {
  const file = await open(at(name), 'r+');
  await file.write(bytes, 0, bytes.length, offset);
  await file.close();
}

it('reads a chain as qemu-img wrote it: names, formats, sizes, shapes, down to a raw base', async () => {
  await writeFile(at('base.raw'), Buffer.alloc(65536));
  await qemu('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', 'base.raw', at('v.1'), '1G');
  await overlay('v.2', 'v.1', '-o', 'cluster_size=131072,extended_l2=on');
  await qemu('qemu-img', 'snapshot', '-c', 'inside', at('v.1'));
  const { layers, problem } = await walkChain(at('v.2'), 'qcow2');
  expect(problem).toBeNull();
  expect(layers.map(({ path, format }) => [path, format])).toEqual([
    [at('v.2'), 'qcow2'],
    [at('v.1'), 'qcow2'],
    [at('base.raw'), 'raw'],
  ]);
  expect(layers.map(({ virtualBytes }) => virtualBytes)).toEqual([2 ** 30, 2 ** 30, 65536]);
  expect(layers[0]?.header).toMatchObject({
    clusterBytes: 131072,
    hasExtendedL2: true,
    internalSnapshots: 0,
    backingName: 'v.1',
    backingFormat: 'qcow2',
  });
  expect(layers[1]?.header).toMatchObject({ hasExtendedL2: false, internalSnapshots: 1, backingFormat: 'raw' });
});

it('tells an empty overlay from one that was written, though all that was written is zeros', async () => {
  await overlay('empty', 'v.1');
  expect(await hasOwnClusters(at('empty'))).toBe(false);
  await qemu('qemu-io', '-f', 'qcow2', '-c', 'write -z 900M 64k', at('empty'));
  expect(await hasOwnClusters(at('empty'))).toBe(true);
});

it.each([
  ['json:{"driver":"raw","file.filename":"/etc/passwd"}', 'not a plain file name'],
  ['nbd://host/disk', 'not a plain file name'],
  ['gone', 'there is no such file'],
  ['no/such/folder', 'its folder is not there'],
  ['link', 'it is a symbolic link'],
  ['.', 'it is not a regular file'],
])('stops at a backing that is %s', async (backing, problem) => {
  await rm(at('link'), { force: true });
  await symlink('/etc/passwd', at('link'));
  await overlay('bad', backing);
  const chain = await walkChain(at('bad'), 'qcow2');
  expect(chain.layers).toHaveLength(1);
  expect(chain.problem).toContain(problem);
});

it('refuses a file that has another name', async () => {
  await overlay('twice', 'v.1');
  await link(at('twice'), at('again'));
  await expect(readImage(at('twice'), 'qcow2')).rejects.toThrow('2 names');
});

it('finds a chain that comes back to itself', async () => {
  await overlay('one', 'two');
  await overlay('two', 'one');
  expect((await walkChain(at('one'), 'qcow2')).problem).toContain('the chain comes back to it');
});

it('never guesses a format: a header that does not say its backing’s is refused', async () => {
  await overlay('quiet', 'v.1');
  const bytes = await readFile(at('quiet'));
  await patch('quiet', bytes.indexOf(Buffer.from([0xe2, 0x79, 0x2a, 0xca])), Buffer.from([1, 2, 3, 4]));
  expect((await walkChain(at('quiet'), 'qcow2')).problem).toContain('does not say the format of its backing file');
});

it.each([
  {
    what: 'another file for its data',
    offset: 72,
    bytes: Buffer.from([0, 0, 0, 0, 0, 0, 0, 4]),
    problem: 'keeps its data in another file',
  },
  { what: 'features of the future', offset: 72, bytes: Buffer.from([0, 0, 0, 0, 0, 0, 1, 0]), problem: 'features that are not known' },
  { what: 'the mark of corruption', offset: 72, bytes: Buffer.from([0, 0, 0, 0, 0, 0, 0, 2]), problem: 'marked it as corrupt' },
  { what: 'encryption', offset: 32, bytes: Buffer.from([0, 0, 0, 2]), problem: 'it is encrypted' },
  { what: 'another magic', offset: 0, bytes: Buffer.from('VMDK'), problem: 'it is not a qcow2 image' },
  { what: 'version 9', offset: 4, bytes: Buffer.from([0, 0, 0, 9]), problem: 'its qcow2 version is 9' },
  { what: 'clusters of a terabyte', offset: 20, bytes: Buffer.from([0, 0, 0, 40]), problem: 'its clusters have 2^40 bytes' },
  {
    what: 'a backing name beyond its end',
    offset: 8,
    bytes: Buffer.from([0, 0, 0, 0, 0xff, 0xff, 0xff, 0]),
    problem: 'lies outside its header',
  },
  { what: 'a size beyond counting', offset: 24, bytes: Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]), problem: 'its virtual size is' },
])('refuses an image with $what', async ({ offset, bytes, problem }) => {
  await overlay('odd', 'v.1');
  await patch('odd', offset, bytes);
  await expect(readImage(at('odd'), 'qcow2')).rejects.toThrow(problem);
});
