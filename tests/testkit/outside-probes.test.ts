/** The probes themselves: what they call clean must be clean, and what is not must not pass. Bare libvirt, nothing of Coppice. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { goldenGuest } from './golden-guest.js';
import { hangGuestAgent } from './guest-faults.js';
import { LabHost } from './lab-host.js';
import { endHypervisor } from './ledger.js';
import { Machine } from './machine.js';
import { chainOnDisk, disksOf, frozenContent, isFrozen, namesOf } from './outside-probes.js';
import { runFolder, takePort } from './run-folder.js';

let host: LabHost;
let machine: Machine;

beforeAll(async () => {
  const dir = await mkdtemp(join(runFolder(), 'probes-'));
  const golden = await goldenGuest();
  host = await LabHost.create({ name: 'h1', dir, poolDir: dir, apiPort: await takePort(), golden });
  machine = await Machine.create({
    name: 'probed',
    libvirtUri: host.libvirtUri,
    poolDir: dir,
    runDir: host.place.runDir,
    logDir: join(dir, 'log'),
    golden,
  });
});
afterAll(async () => {
  await host?.link.close();
  if (host !== undefined) await endHypervisor(host.place);
});

async function snapshot(name: string, ...options: string[]): Promise<readonly string[]> {
  const frozen = Object.values(await disksOf(machine, 'live'));
  await machine.virsh('snapshot-create-as', machine.name, name, '--disk-only', '--atomic', '--no-metadata', ...options);
  return frozen;
}

it('tell a frozen file system from one that was caught in the middle, and both disks are of one moment', async () => {
  await machine.writes();
  const plain = await Promise.all((await snapshot('plain')).map(frozenContent));
  await machine.writes();
  const quiesced = await Promise.all((await snapshot('quiesced', '--quiesce')).map(frozenContent));
  expect(plain.map((content) => content.isClean)).toEqual([false, false]);
  expect(plain.every((content) => content.report.includes('needs_recovery'))).toBe(true);
  expect(quiesced.map((content) => content.isClean)).toEqual([true, true]);
  for (const [a, b] of [plain, quiesced]) {
    expect(a?.lastRecord).toBeGreaterThan(0);
    expect([0, 1]).toContain((a?.lastRecord ?? 0) - (b?.lastRecord ?? 0));
  }
  expect(await isFrozen(machine)).toBe(false);
  const chain = await chainOnDisk((await disksOf(machine, 'live'))['vda'] ?? '');
  expect(namesOf(chain)).toHaveLength(3);
});

it('a hung guest agent leaves the writer running', async () => {
  await hangGuestAgent(machine);
  await machine.writes();
});
