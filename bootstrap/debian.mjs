import { outputOf, run } from './run.mjs';
import { say, stop } from './say.mjs';

/** For the demo hypervisors. libvirt-daemon alone: without libvirt-daemon-system nothing is set up or started for the whole machine. */
export const DEMO_PACKAGES = [
  'qemu-system-x86',
  'qemu-utils',
  'libvirt-daemon',
  'libvirt-daemon-driver-qemu',
  'libvirt-clients',
  'e2fsprogs',
  'mount',
];

/** For the tests, on top. */
export const TEST_PACKAGES = [...DEMO_PACKAGES, 'chromium'];

const APT_OPTIONS = ['-q', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0'];

/** Installs what is missing of `wanted`: as root, or with sudo where that asks no password. Otherwise prints the exact command and ends with exit code 1. */
export async function ensureDebianPackages(wanted) {
  const missing = missingPackages(wanted, await outputOf('dpkg-query', ['-W', '-f', '${db:Status-Abbrev} ${Package}\n', ...wanted]));
  if (missing.length === 0) return;
  const prefix = await rootPrefix();
  if (prefix === undefined) {
    const command = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(' ')}`;
    stop(
      `These Debian packages are missing: ${missing.join(', ')}.\nNothing was changed. Run this as root, then start again:\n\n  ${command}\n`,
    );
  }
  say(`installing Debian packages: ${missing.join(' ')}`);
  if (!(await areKnown(missing))) await update(prefix);
  if (await install(prefix, missing)) return say('Debian packages installed');
  // Package lists that are some weeks old name files that the mirrors no longer have.
  await update(prefix);
  if (await install(prefix, missing)) return say('Debian packages installed');
  stop(`apt-get could not install ${missing.join(' ')}; its words are above. Nothing of Coppice was started.`);
}

/** Pure: which of `wanted` dpkg-query does not list as installed ("ii", or "hi" for a held one). */
export function missingPackages(wanted, dpkgQueryOutput) {
  const installed = new Set();
  for (const line of dpkgQueryOutput.split('\n')) {
    const [status, name] = line.trim().split(/\s+/);
    if (name !== undefined && /^[ih]i$/.test(status)) installed.add(name);
  }
  return wanted.filter((name) => !installed.has(name));
}

/** Pure: whether `apt-cache policy` names a version that can be installed for each of `names`. */
export function haveCandidates(names, policyOutput) {
  return names.every((name) => {
    const section = policyOutput.split(/^(?=\S)/m).find((part) => part.startsWith(`${name}:`));
    return section !== undefined && /Candidate: (?!\(none\))\S/.test(section);
  });
}

async function areKnown(names) {
  return haveCandidates(names, await outputOf('apt-cache', ['policy', ...names]));
}

async function update(prefix) {
  say('updating the list of Debian packages');
  await run(prefix[0], [...prefix.slice(1), 'apt-get', '-q', 'update'], { quiet: true });
}

async function install(prefix, packages) {
  const argv = [...prefix.slice(1), 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...APT_OPTIONS, 'install', ...packages];
  return (await run(prefix[0], argv, { quiet: true })) === 0;
}

/** `env` passes the variable on, also behind sudo. */
async function rootPrefix() {
  if (process.getuid?.() === 0) return ['env'];
  const may = await outputOf('sudo', ['-n', 'id', '-u']);
  return may.trim() === '0' ? ['sudo', '-n', 'env'] : undefined;
}
