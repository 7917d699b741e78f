import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, cp, mkdir, open, rename, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  buildGuestFiles,
  createGuestDisks,
  defineGuest,
  type GuestDefinition,
  startGuest,
  startHypervisor,
  TickListener,
  tickSocketOf,
  virsh,
  waitForGuestAgent,
} from '@coppice/lab';
import { endHypervisor, note } from './ledger.js';
import { newSocketFolder, runFolder, runLedger } from './run-folder.js';
import { tickFolderOf } from './tick-folder.js';
import { waitUntil } from './wait-until.js';

/**
 * One guest, booted once per test run and saved with its memory. Others are restored from it under names, uuids, disks and sockets of
 * their own: half a second instead of three, which is most of a test's time on two cores.
 */
export interface GoldenGuest {
  readonly definition: GuestDefinition;
  readonly memoryImage: string;
  /** libvirt's probe of QEMU, which takes four seconds on a host without it. */
  readonly cacheDir: string;
}

/** libvirt's save image: 92 bytes of header, then the XML in an area of fixed length (virQEMUSaveHeader of libvirt 9). */
const HEADER_BYTES = 92;
const DATA_LENGTH_AT = 20;
const COOKIE_OFFSET_AT = 32;
/** No guest that is restored may have longer names: the area holds no more than the golden guest's own XML and 1 kB. */
const GOLDEN_NAME = 'golden-guest-whose-name-is-long-on-purpose';
const BOOT_DEADLINE_MS = 240_000;

/** The golden guest of this run; the first who asks makes it, the others wait. */
export async function goldenGuest(): Promise<GoldenGuest> {
  const dir = join(runFolder(), 'golden');
  const finished = join(dir, 'golden.json');
  const lock = `${dir}.lock`;
  return waitUntil(
    'the golden guest to be made',
    async () => {
      if (existsSync(finished)) return JSON.parse(readFileSync(finished, 'utf8')) as GoldenGuest;
      if (!(await isFirst(lock))) return undefined;
      try {
        await make(dir, finished);
      } finally {
        await rmdir(lock);
      }
      return undefined;
    },
    { deadlineMs: BOOT_DEADLINE_MS },
  );
}

/** Starts `guest` (whose disks are copies of the golden ones) where the golden guest was saved. It must be defined already. */
export async function restoreGolden(golden: GoldenGuest, guest: GuestDefinition, libvirtUri: string): Promise<void> {
  const image = join(guest.logDir, `${guest.name}.save`);
  await copyFile(golden.memoryImage, image);
  await rewriteXml(image, (xml) => renamed(xml, golden.definition, guest));
  await virsh(libvirtUri, ['restore', image, '--running'], BOOT_DEADLINE_MS);
}

/** Copies the golden disks as first layers of two new volumes of a pool. */
export async function copyGoldenDisks(golden: GoldenGuest, poolDir: string): Promise<GuestDefinition['disks']> {
  return Promise.all(
    golden.definition.disks.map(async (disk) => {
      const volumeUuid = randomUUID();
      const path = join(poolDir, `volume-${volumeUuid}.0.qcow2`);
      await copyFile(disk.path, path);
      return { volumeUuid, path };
    }),
  );
}

async function make(dir: string, finished: string): Promise<void> {
  const place = { name: 'golden', stateDir: join(dir, 'host'), runDir: newSocketFolder() };
  note(runLedger(), { kind: 'folder', path: place.runDir });
  note(runLedger(), { kind: 'hypervisor', place });
  const files = await buildGuestFiles(process.env['COPPICE_TEST_GUEST_DIR'] ?? join(tmpdir(), `coppice-guest-${process.getuid?.() ?? 0}`));
  const { libvirtUri } = await startHypervisor(place);
  await mkdir(join(dir, 'pool'), { recursive: true });
  const disks = await createGuestDisks({ poolDir: join(dir, 'pool') });
  const definition = { name: GOLDEN_NAME, uuid: randomUUID(), disks, files, ...tickFolderOf(place.runDir), logDir: join(dir, 'log') };
  await defineGuest(libvirtUri, definition);
  await startGuest(libvirtUri, GOLDEN_NAME);
  await waitForGuestAgent(libvirtUri, GOLDEN_NAME, BOOT_DEADLINE_MS);
  // Not before its writer writes: a guest that is restored shall have a log from its first moment.
  const listener = await TickListener.open(tickSocketOf(definition));
  await listener.next(20, BOOT_DEADLINE_MS);
  listener.close();
  const memoryImage = join(dir, 'memory.save');
  await virsh(libvirtUri, ['save', GOLDEN_NAME, memoryImage], BOOT_DEADLINE_MS);
  const cacheDir = join(dir, 'cache');
  await cp(join(place.stateDir, 'cache'), cacheDir, { recursive: true });
  await endHypervisor(place);
  await writeFile(`${finished}.new`, JSON.stringify({ definition, memoryImage, cacheDir } satisfies GoldenGuest));
  await rename(`${finished}.new`, finished);
}

async function isFirst(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function renamed(xml: string, from: GuestDefinition, to: GuestDefinition): string {
  const pairs: [string, string][] = [
    ...from.disks.map((disk, index): [string, string] => [disk.path, to.disks[index]?.path ?? disk.path]),
    [from.logDir, to.logDir],
    [from.runDir, to.runDir],
    [from.uuid, to.uuid],
    [from.name, to.name],
  ];
  return pairs.reduce((text, [old, fresh]) => text.replaceAll(old, fresh), xml);
}

/** Puts another XML into a save image's header, as `virsh save-image-define` would if it allowed another name and uuid. */
async function rewriteXml(image: string, change: (xml: string) => string): Promise<void> {
  const file = await open(image, 'r+');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    await file.read(header, 0, HEADER_BYTES, 0);
    const length = header.readUInt32LE(DATA_LENGTH_AT);
    const cookieAt = header.readUInt32LE(COOKIE_OFFSET_AT);
    const data = Buffer.alloc(length);
    await file.read(data, 0, length, HEADER_BYTES);
    const xml = Buffer.from(`${change(textAt(data, 0))}\0`);
    const cookie = cookieAt === 0 ? Buffer.alloc(0) : Buffer.from(`${textAt(data, cookieAt)}\0`);
    if (xml.length + cookie.length > length)
      throw new Error(`the XML does not fit into the save image: ${xml.length + cookie.length} > ${length}`);
    const area = Buffer.alloc(length);
    xml.copy(area, 0);
    cookie.copy(area, xml.length);
    header.writeUInt32LE(cookieAt === 0 ? 0 : xml.length, COOKIE_OFFSET_AT);
    await file.write(header, 0, HEADER_BYTES, 0);
    await file.write(area, 0, length, HEADER_BYTES);
  } finally {
    await file.close();
  }
}

function textAt(data: Buffer, offset: number): string {
  const end = data.indexOf(0, offset);
  return data.subarray(offset, end < 0 ? data.length : end).toString('utf8');
}
