/** Real libvirtd, real guest. Needs root and the Debian packages that bootstrap/ installs. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  buildGuestFiles,
  createGuestDisks,
  defineGuest,
  destroyGuest,
  findHypervisor,
  guestExec,
  guestState,
  type HypervisorPlace,
  identifyProcess,
  killHypervisor,
  startGuest,
  startHypervisor,
  stopHypervisor,
  TickListener,
  tickSocketOf,
  waitForGuestAgent,
} from './index.js';

let scratch: string;
let place: HypervisorPlace;

beforeAll(async () => {
  // Mode 700, as a home folder may be.
  scratch = await mkdtemp(join(tmpdir(), 'coppice lab '));
  const runDir = `/run/coppice-${createHash('sha256').update(scratch).digest('hex').slice(0, 8)}`;
  place = { name: 'lab-test', stateDir: join(scratch, 'host'), runDir };
});

afterAll(async () => {
  const hypervisor = findHypervisor(place);
  if (hypervisor !== undefined) {
    await destroyGuest(hypervisor.libvirtUri, 'g1');
    await stopHypervisor(hypervisor);
  }
  await rm(scratch, { recursive: true, force: true });
  await rm(place.runDir, { recursive: true, force: true });
});

it('boots a guest whose agent runs programs and whose writer stamps both disks, through a libvirtd that is killed and taken over', async () => {
  const files = await buildGuestFiles(process.env['COPPICE_TEST_GUEST_DIR'] ?? join(tmpdir(), `coppice-guest-${process.getuid?.() ?? 0}`));
  const first = await startHypervisor(place);
  const poolDir = join(scratch, 'pool');
  await mkdir(poolDir);
  const disks = await createGuestDisks({ poolDir });
  const guest = { name: 'g1', uuid: randomUUID(), disks, files, runDir: join(place.runDir, 'ticks'), logDir: join(scratch, 'log') };
  await defineGuest(first.libvirtUri, guest);
  await startGuest(first.libvirtUri, 'g1');

  await killHypervisor(first);
  expect(identifyProcess(first.process.pid)).toBeUndefined();
  const second = await startHypervisor(place);
  expect((await startHypervisor(place)).process).toEqual(second.process);
  expect(await guestState(second.libvirtUri, 'g1')).toBe('running');

  await waitForGuestAgent(second.libvirtUri, 'g1');
  const listener = await TickListener.open(tickSocketOf(guest));
  const ticks = await listener.next(10);
  listener.close();
  expect(ticks.every((tick) => !tick.hasError)).toBe(true);
  const log = await guestExec({ libvirtUri: second.libvirtUri, name: 'g1' }, ['sh', '-c', 'sync; tail -n 1 /a/log; tail -n 1 /b/log']);
  expect(log.stdout).toMatch(/^\d{9} [0-9a-f]{6} \d{6}\n\d{9} [0-9a-f]{6} \d{6}\n$/);
});
