import type { Hello } from '@coppice/protocol';

/** libvirt 9.0 and QEMU 7.2 are the oldest that all of this was tried on. */
const OLDEST = { libvirt: [9, 0], qemu: [7, 2] } as const;

/** What this host can do, and why not where it cannot; `versions` is null while libvirt does not answer. */
export function capabilitiesOf(versions: { libvirt: string; qemu: string } | null): Hello['capabilities'] {
  const reason = versions === null ? null : tooOld(versions);
  const isAvailable = reason === null;
  return [
    { name: 'vm-snapshot.disk', available: isAvailable, reason },
    { name: 'vm-snapshot.quiesce', available: isAvailable, reason },
    { name: 'vm-snapshot.memory', available: isAvailable, reason },
    { name: 'volume-snapshot.full', available: isAvailable, reason },
  ];
}

function tooOld(versions: { libvirt: string; qemu: string }): string | null {
  for (const name of ['libvirt', 'qemu'] as const) {
    if (isOlder(versions[name], OLDEST[name])) {
      return `${name} ${versions[name]} is older than ${OLDEST[name].join('.')}, the oldest version that Coppice was tried on.`;
    }
  }
  return null;
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [haveMajor = 0, haveMinor = 0] = version.split('.').map(Number);
  return haveMajor < major || (haveMajor === major && haveMinor < minor);
}
