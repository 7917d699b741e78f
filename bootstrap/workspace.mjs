import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NODE, ROOT } from './paths.mjs';
import { run } from './run.mjs';
import { say, stop } from './say.mjs';

const PNPM = ['--prefer-offline', '-y', 'pnpm@12.21.0'];

/** Installs the npm packages of the lockfile; does nothing (and needs no network) if that was done before and nothing changed since. */
export async function installPackages() {
  const stampFile = join(ROOT, 'node_modules', '.coppice-installed');
  const stamp = installStamp();
  if (existsSync(NODE) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  say('installing npm packages (about 1 GB in node_modules the first time)');
  const argv = [...PNPM, 'install', '--frozen-lockfile', '--prefer-offline', '--reporter=append-only'];
  const code = await run('npx', argv, { quiet: true, env: { CI: 'true' } });
  if (code !== 0)
    stop(
      'The npm packages could not be installed; the words of pnpm are above. Is the npm registry reachable? Then start again: what was fetched is kept.',
    );
  if (!existsSync(NODE))
    stop(`There is no Node 24 for this machine (${process.platform} ${process.arch}); Coppice runs on Linux, x64 or arm64.`);
  writeFileSync(stampFile, stamp);
  say('npm packages installed');
}

/** Builds what changed. turbo runs its tasks through pnpm, which npx puts on the path. */
export async function build() {
  say('building');
  const code = await run('npx', [...PNPM, 'exec', 'turbo', 'run', 'build', '--output-logs=errors-only'], { quiet: true });
  if (code !== 0) stop('The build failed; the words of the compiler are above.');
  say('built');
}

/** Hash of all that decides what node_modules holds. */
function installStamp() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  for (const path of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...memberManifests()])
    hash.update(path).update(readFileSync(join(ROOT, path)));
  return hash.digest('hex');
}

function memberManifests() {
  const members = ['apps', 'packages'].flatMap((dir) =>
    readdirSync(join(ROOT, dir))
      .sort()
      .map((name) => join(dir, name)),
  );
  return [...members, 'tests'].map((dir) => join(dir, 'package.json')).filter((path) => existsSync(join(ROOT, path)));
}
