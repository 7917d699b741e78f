import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import {
  createGuestDisks,
  defineGuest,
  type GuestDefinition,
  guestState,
  startGuest,
  stopGuest,
  TickListener,
  tickSocketOf,
  virsh,
  waitForGuestAgent,
} from '@coppice/lab';
import { copyGoldenDisks, type GoldenGuest, restoreGolden } from './golden-guest.js';
import { tickFolderOf } from './tick-folder.js';
import { DEADLINE_MS, waitUntil } from './wait-until.js';

/** `power` off: a machine with two empty clean disks that never ran. `tickMs`: another pace of the writer, at the price of a boot. */
export interface MachineRequest {
  readonly name: string;
  readonly libvirtUri: string;
  readonly poolDir: string;
  readonly runDir: string;
  readonly logDir: string;
  readonly golden: GoldenGuest;
  readonly power?: 'on' | 'off';
  readonly tickMs?: number;
}

/** A guest as its host sees it; nothing of Coppice in it. `vda` is mounted at /a in it, `vdb` at /b. */
export class Machine {
  readonly guest: GuestDefinition;
  readonly libvirtUri: string;

  private constructor(guest: GuestDefinition, libvirtUri: string) {
    this.guest = guest;
    this.libvirtUri = libvirtUri;
  }

  /** Makes disks and definition, and starts it until its agent answers. */
  static async create(request: MachineRequest): Promise<Machine> {
    const { golden, poolDir, libvirtUri } = request;
    const isGolden = request.power !== 'off' && request.tickMs === undefined;
    const disks = isGolden ? await copyGoldenDisks(golden, poolDir) : await createGuestDisks({ poolDir });
    const guest: GuestDefinition = {
      name: request.name,
      uuid: randomUUID(),
      disks,
      files: golden.definition.files,
      ...tickFolderOf(request.runDir),
      logDir: request.logDir,
      ...(request.tickMs === undefined ? {} : { tickMs: request.tickMs }),
    };
    await defineGuest(libvirtUri, guest);
    const machine = new Machine(guest, libvirtUri);
    if (isGolden) {
      await restoreGolden(golden, guest, libvirtUri);
      await rm(join(guest.logDir, `${guest.name}.save`), { force: true });
    } else if (request.power !== 'off') await startGuest(libvirtUri, guest.name);
    if (request.power !== 'off') await waitForGuestAgent(libvirtUri, guest.name);
    if (request.power !== 'off') await machine.writes();
    return machine;
  }

  /** The same guest on the host that it was migrated to. */
  movedTo(host: { readonly libvirtUri: string; readonly place: { readonly runDir: string } }): Machine {
    return new Machine({ ...this.guest, ...tickFolderOf(host.place.runDir) }, host.libvirtUri);
  }

  get name(): string {
    return this.guest.name;
  }

  /** Cuts its power; its disks and definition stay. */
  async cutPower(): Promise<void> {
    await stopGuest(this.libvirtUri, this.name);
  }

  /** Ends it as its owner would, with file systems unmounted. */
  async shutDown(): Promise<void> {
    await virsh(this.libvirtUri, ['shutdown', this.name, '--mode', 'agent,acpi']);
    await waitUntil(`${this.name} to be shut off`, async () => (await this.state()) === 'shut off');
  }

  async start(): Promise<void> {
    await startGuest(this.libvirtUri, this.name);
    await waitForGuestAgent(this.libvirtUri, this.name);
    await this.writes();
  }

  /** libvirt's word for what it does. */
  state(): Promise<string | undefined> {
    return guestState(this.libvirtUri, this.name);
  }

  /** Waits for some rounds of its writer: proof that its file systems take writes. */
  async writes(rounds = 5): Promise<void> {
    const listener = await this.listen();
    try {
      await listener.next(rounds, DEADLINE_MS);
    } finally {
      listener.close();
    }
  }

  /** Hears each round of its writer; one listener at a time. */
  listen(): Promise<TickListener> {
    return TickListener.open(tickSocketOf(this.guest));
  }

  virsh(...argv: string[]): Promise<string> {
    return virsh(this.libvirtUri, argv);
  }
}
