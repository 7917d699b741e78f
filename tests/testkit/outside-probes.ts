import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { askGuestAgent, ProgramError, runProgram } from '@coppice/lab';
import type { Machine } from './machine.js';

const DEADLINE_MS = 60_000;

/** One image file as its own header describes it. `backingName` is what the header holds. */
export interface ImageSeen {
  readonly path: string;
  readonly format: string;
  readonly backingName: string | undefined;
  readonly backingFormat: string | undefined;
  readonly virtualBytes: number;
}

interface QemuImgInfo {
  readonly filename: string;
  readonly format: string;
  readonly 'virtual-size': number;
  readonly 'backing-filename'?: string;
  readonly 'backing-filename-format'?: string;
}

/** The chain of an image as qemu-img finds it on disk, head first. -U: a running guest holds the head. */
export async function chainOnDisk(path: string): Promise<readonly ImageSeen[]> {
  const argv = ['info', '-U', '--backing-chain', '--output=json', '-f', 'qcow2', path];
  const { stdout } = await runProgram('qemu-img', argv, { deadlineMs: DEADLINE_MS });
  const images: QemuImgInfo[] = JSON.parse(stdout);
  return images.map((image) => ({
    path: image.filename,
    format: image.format,
    backingName: image['backing-filename'],
    backingFormat: image['backing-filename-format'],
    virtualBytes: image['virtual-size'],
  }));
}

/** What qemu-img check says of one image that nobody writes; throws with its findings if it finds anything. */
export async function checkImage(path: string): Promise<void> {
  await runProgram('qemu-img', ['check', '-q', '-U', '-f', 'qcow2', path], { deadlineMs: DEADLINE_MS });
}

/** Sources of a machine's disks by target, of its live or its persistent definition. */
export async function disksOf(machine: Machine, which: 'live' | 'persistent'): Promise<Readonly<Record<string, string>>> {
  const output = await machine.virsh('domblklist', machine.name, ...(which === 'persistent' ? ['--inactive'] : []));
  const rows = [...output.matchAll(/^\s*(vd[a-z])\s+(\S+)\s*$/gm)];
  return Object.fromEntries(rows.map((row): [string, string] => [row[1] ?? '', row[2] ?? '']));
}

/** The layer that a machine's disk is on now, by its persistent definition. */
export async function headOf(machine: Machine, target: string): Promise<string> {
  const head = (await disksOf(machine, 'persistent'))[target];
  if (head === undefined) throw new Error(`${machine.name} has no ${target}`);
  return head;
}

/** SHA-256 of a file's bytes, in hex. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Files of one volume in its pool, in order of their number. */
export async function layerFilesOf(poolDir: string, volumeUuid: string): Promise<readonly string[]> {
  const names = await readdir(poolDir);
  const numberOf = (name: string): number => Number(/\.(\d+)\.qcow2$/.exec(name)?.[1] ?? -1);
  return names.filter((name) => name.startsWith(`volume-${volumeUuid}.`)).sort((a, b) => numberOf(a) - numberOf(b));
}

/** What a reader of one frozen layer finds: how clean the file system is, and the last record of its log. */
export interface FrozenContent {
  /** e2fsck -fn found nothing at all, and the journal has nothing to replay. */
  readonly isClean: boolean;
  readonly report: string;
  /** The n of the last whole record, 0 without one. After the journal was replayed on a copy, where it had to be. */
  readonly lastRecord: number;
}

/** Reads a copy of a layer's view (the layer and all below it) with e2fsck and debugfs. The layer itself is only read. */
export async function frozenContent(layerPath: string): Promise<FrozenContent> {
  const scratch = await mkdtemp(join(tmpdir(), 'coppice-view-'));
  const raw = join(scratch, `${basename(layerPath)}.raw`);
  try {
    await runProgram('qemu-img', ['convert', '-U', '-f', 'qcow2', '-O', 'raw', layerPath, raw], { deadlineMs: DEADLINE_MS });
    const features = await run('dumpe2fs', ['-h', raw]);
    const check = await run('e2fsck', ['-fn', raw]);
    const needsRecovery = features.output.includes('needs_recovery');
    // Exit code 1: it was mended, which is what the replay of a journal is.
    const replayed = needsRecovery ? await run('e2fsck', ['-fy', raw]) : undefined;
    const log = await run('debugfs', ['-R', 'cat /log', raw]);
    if (log.stdout === '') throw new Error(`${layerPath} holds no log: ${log.output}; ${features.output}; replay: ${replayed?.output}`);
    return {
      isClean: check.isOk && !needsRecovery,
      report: `${needsRecovery ? 'needs_recovery\n' : ''}${check.output}`,
      lastRecord: lastRecordOf(log.stdout),
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The last whole record of a writer's log: 24 bytes, `n bootid mem`. */
function lastRecordOf(log: string): number {
  const whole = log.slice(0, log.length - (log.length % 24));
  return Number(whole.slice(-24).split(' ')[0] ?? 0);
}

/** Whether the guest's file systems are frozen now, by its agent's own word. */
export async function isFrozen(machine: Machine): Promise<boolean> {
  return (await askGuestAgent(machine.libvirtUri, machine.name, { execute: 'guest-fsfreeze-status' })) === 'frozen';
}

/** The files that a chain consists of, by name only; fails if one lies outside its pool. */
export function namesOf(chain: readonly ImageSeen[]): readonly string[] {
  const dirs = new Set(chain.map((image) => dirname(image.path)));
  if (dirs.size !== 1) throw new Error(`a chain lies in several folders: ${[...dirs].join(', ')}`);
  return chain.map((image) => basename(image.path));
}

async function run(file: string, argv: readonly string[]): Promise<{ isOk: boolean; stdout: string; output: string }> {
  const env = { PATH: `${process.env['PATH'] ?? '/usr/bin'}:/usr/sbin:/sbin` };
  try {
    const { stdout, stderr } = await runProgram(file, argv, { deadlineMs: DEADLINE_MS, env });
    return { isOk: true, stdout, output: stdout + stderr };
  } catch (error) {
    if (error instanceof ProgramError) return { isOk: false, stdout: '', output: error.message };
    throw error;
  }
}
