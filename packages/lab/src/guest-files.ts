import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CpioEntry, writeCpioArchive } from './cpio-archive.js';
import { findCloudKernelPackage, unpackDebianPackages } from './debian-packages.js';
import { cutElfKernel } from './elf-kernel.js';
import { identifyProcess } from './process-identity.js';
import { runProgram } from './run-program.js';

/** Raise it when this file builds something else from the same inputs. */
const RECIPE = 1;
const LOCAL_DEADLINE_MS = 60_000;
const ASSETS = fileURLToPath(new URL('../guest', import.meta.url));
/** Insertion order matters to the guest's init, not here. virtio_ring is built in or a module, by kernel. */
const MODULES = [
  'virtio',
  'virtio_ring',
  'virtio_pci_modern_dev',
  'virtio_pci_legacy_dev',
  'virtio_pci',
  'virtio_blk',
  'virtio_console',
  'button',
];
const FOLDERS = ['bin', 'sbin', 'etc', 'etc/qemu', 'm', 'lib', 'lib/ga', 'proc', 'sys', 'dev', 'tmp', 'var', 'a', 'b'];

/** What a lab guest boots from. */
export interface GuestFiles {
  readonly kernel: string;
  readonly initrd: string;
}

/** Says in one line what is being done; the caller decides where it goes. */
export type Report = (line: string) => void;

/**
 * Makes the guests' kernel and initramfs in `dir` from Debian packages, downloaded (about 29 MB) but never installed; needs no root rights. Does nothing if
 * they are there and were made by the same recipe. Built beside `dir` and renamed into place, so a kill in the middle leaves nothing that looks finished.
 */
export async function buildGuestFiles(dir: string, report: Report = () => {}): Promise<GuestFiles> {
  const files = { kernel: join(dir, 'vmlinux'), initrd: join(dir, 'initrd.cpio') };
  const stamp = await recipeStamp();
  if (await isBuilt(dir, stamp)) return files;
  await mkdir(dirname(dir), { recursive: true });
  await discardUnfinished(dir);
  const work = await mkdtemp(`${dir}.building-${process.pid}-`);
  try {
    await mkdir(join(work, 'done'));
    await build(work, report);
    await writeFile(join(work, 'done', 'stamp'), stamp);
    await putInPlace(join(work, 'done'), dir, stamp);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return files;
}

async function build(work: string, report: Report): Promise<void> {
  report('downloading a kernel, busybox and qemu-guest-agent for the guests');
  const kernelPackage = await findCloudKernelPackage(work);
  const root = await unpackDebianPackages(work, [kernelPackage, 'qemu-guest-agent', 'busybox-static', 'tcc']);
  report(`building the guests' kernel (${kernelPackage}) and initramfs`);
  const vmlinuz = (await readdir(join(root, 'boot'))).find((name) => name.startsWith('vmlinuz-'));
  if (vmlinuz === undefined) throw new Error(`${kernelPackage} holds no /boot/vmlinuz-*`);
  await writeFile(join(work, 'done', 'vmlinux'), cutElfKernel(await readFile(join(root, 'boot', vmlinuz))));
  await writeFile(join(work, 'done', 'initrd.cpio'), writeCpioArchive(await initramfs(work, root)));
}

async function initramfs(work: string, root: string): Promise<CpioEntry[]> {
  const file = async (path: string, source: string): Promise<CpioEntry> => ({ path, mode: 0o755, content: await readFile(source) });
  return [
    ...FOLDERS.map((path) => ({ path, mode: 0o755 })),
    await file('init', join(ASSETS, 'init')),
    await file('sbin/shutdown', join(ASSETS, 'shutdown')),
    await file('bin/busybox', join(root, 'bin/busybox')),
    await file('bin/writer', await compileWriter(work, root)),
    ...(await guestAgent(root, file)),
    ...(await modules(root, file)),
  ];
}

type ReadEntry = (path: string, source: string) => Promise<CpioEntry>;

/** tcc needs neither headers nor libc for writer.c, so it runs from where it was unpacked. */
async function compileWriter(work: string, root: string): Promise<string> {
  const output = join(work, 'writer');
  const libraries = join(root, 'usr/lib/x86_64-linux-gnu/tcc');
  const argv = [`-B${libraries}`, '-nostdlib', '-nostdinc', '-static', '-o', output, join(ASSETS, 'writer.c')];
  await runProgram(join(root, 'usr/bin/tcc'), argv, { deadlineMs: LOCAL_DEADLINE_MS });
  return output;
}

/** qemu-ga with the machine's own copies of its libraries; those are there, as QEMU itself needs them. */
async function guestAgent(root: string, file: ReadEntry): Promise<CpioEntry[]> {
  const program = join(root, 'usr/sbin/qemu-ga');
  const { stdout } = await runProgram('ldd', [program], { deadlineMs: LOCAL_DEADLINE_MS });
  if (stdout.includes('not found'))
    throw new Error(`the guest agent misses libraries on this machine; install qemu-system-x86 first:\n${stdout}`);
  const libraries = [...stdout.matchAll(/\/\S+/g)].map((match) => match[0]);
  return Promise.all([file('lib/ga/qemu-ga', program), ...libraries.map((library) => file(`lib/ga/${basename(library)}`, library))]);
}

async function modules(root: string, file: ReadEntry): Promise<CpioEntry[]> {
  const found = (await readdir(join(root, 'lib/modules'), { recursive: true })).filter((path) =>
    MODULES.some((name) => path.endsWith(`/${name}.ko`)),
  );
  return Promise.all(found.map((path) => file(`m/${basename(path)}`, join(root, 'lib/modules', path))));
}

async function recipeStamp(): Promise<string> {
  const hash = createHash('sha256').update(String(RECIPE));
  for (const name of ['init', 'shutdown', 'writer.c']) hash.update(await readFile(join(ASSETS, name)));
  return hash.digest('hex');
}

async function isBuilt(dir: string, stamp: string): Promise<boolean> {
  const path = join(dir, 'stamp');
  return existsSync(path) && (await readFile(path, 'utf8')) === stamp;
}

/** Two builders may finish at once (tests run in parallel): the second finds the same content and lets it be. */
async function putInPlace(done: string, dir: string, stamp: string): Promise<void> {
  if (await isBuilt(dir, stamp)) return;
  await rm(dir, { recursive: true, force: true });
  try {
    await rename(done, dir);
  } catch (error) {
    if (!(await isBuilt(dir, stamp))) throw error;
  }
}

/** Folders of builders that were killed: their names hold the builder's pid. */
async function discardUnfinished(dir: string): Promise<void> {
  const prefix = `${basename(dir)}.building-`;
  for (const name of await readdir(dirname(dir))) {
    if (!name.startsWith(prefix) || identifyProcess(Number.parseInt(name.slice(prefix.length), 10)) !== undefined) continue;
    await rm(join(dirname(dir), name), { recursive: true, force: true });
  }
}
