import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ProgramError, runProgram } from './run-program.js';

/** Downloads are tens of megabytes; a slow line must still make it. */
const DOWNLOAD_DEADLINE_MS = 10 * 60_000;
const LOCAL_DEADLINE_MS = 60_000;

/** Downloads Debian packages into `dir` and unpacks them, all together, to `dir`/root: nothing is installed, no root rights are needed. Returns that folder. */
export async function unpackDebianPackages(dir: string, packages: readonly string[]): Promise<string> {
  const downloads = join(dir, 'debs');
  const root = join(dir, 'root');
  await mkdir(downloads, { recursive: true });
  await mkdir(root, { recursive: true });
  await runProgram('apt-get', [...(await aptOptions(dir)), '-q', 'download', ...packages], {
    cwd: downloads,
    deadlineMs: DOWNLOAD_DEADLINE_MS,
  });
  for (const file of (await readdir(downloads)).filter((name) => name.endsWith('.deb'))) {
    await runProgram('dpkg', ['-x', join(downloads, file), root], { deadlineMs: LOCAL_DEADLINE_MS });
  }
  return root;
}

/** The newest kernel package that the virtual package linux-image-cloud-amd64 stands for, for example linux-image-6.1.0-56-cloud-amd64. */
export async function findCloudKernelPackage(dir: string): Promise<string> {
  const { stdout } = await runProgram('apt-cache', [...(await aptOptions(dir)), 'depends', 'linux-image-cloud-amd64'], {
    deadlineMs: LOCAL_DEADLINE_MS,
  });
  const found = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
  if (found === undefined)
    throw new Error('apt-cache knows no kernel behind linux-image-cloud-amd64: is this Debian 12 with its main archive?');
  return found;
}

/** Nothing where the machine's own package lists know our kernel; else lists fetched into `dir`, which needs no root rights. */
async function aptOptions(dir: string): Promise<readonly string[]> {
  if (await knowsKernel([])) return [];
  const options = [
    `-oDir::State::Lists=${join(dir, 'lists')}`,
    `-oDir::Cache=${join(dir, 'cache')}`,
    '-oAPT::Sandbox::User=root',
    '-oDebug::NoLocking=true',
  ];
  if (await knowsKernel(options)) return options;
  await mkdir(join(dir, 'lists', 'partial'), { recursive: true });
  await mkdir(join(dir, 'cache', 'archives', 'partial'), { recursive: true });
  await runProgram('apt-get', [...options, '-q', 'update'], { deadlineMs: DOWNLOAD_DEADLINE_MS });
  return options;
}

async function knowsKernel(options: readonly string[]): Promise<boolean> {
  try {
    const { stdout } = await runProgram('apt-cache', [...options, 'depends', 'linux-image-cloud-amd64'], { deadlineMs: LOCAL_DEADLINE_MS });
    return stdout.includes('linux-image-');
  } catch (error) {
    if (error instanceof ProgramError) return false;
    throw error;
  }
}
