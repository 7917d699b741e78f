import { join } from 'node:path';
import type { GuestDisk } from './guest-disks.js';
import type { GuestFiles } from './guest-files.js';

/** A lab guest. `runDir` holds its tick socket `<name>.tick`, `logDir` its console. `memoryMib`: 96 by default; less than 96 does not boot. */
export interface GuestDefinition {
  readonly name: string;
  readonly uuid: string;
  readonly disks: readonly GuestDisk[];
  readonly files: GuestFiles;
  readonly runDir: string;
  /** `runDir` as the host sees it (pathInHost), so that each host has a tick socket of its own and a guest may migrate; `runDir` by default. */
  readonly runDirInHost?: string;
  readonly logDir: string;
  readonly memoryMib?: number;
  /** Pause of the writer between two rounds; 20 by default, 0 = no writer. */
  readonly tickMs?: number;
}

/** The unix socket on which this guest's writer reports each round. */
export function tickSocketOf(guest: Pick<GuestDefinition, 'name' | 'runDir'>): string {
  return join(guest.runDir, `${guest.name}.tick`);
}

/**
 * libvirt's XML of a lab guest. Always emulated (type 'qemu'): a /dev/kvm that can be opened may still not run a stock kernel
 * (nested pvm: "KVM internal error" at boot), and nothing cheap tells that beforehand.
 */
export function guestDomainXml(guest: GuestDefinition): string {
  const memory = guest.memoryMib ?? 96;
  return `<domain type='qemu'>
  <name>${xmlText(guest.name)}</name>
  <uuid>${guest.uuid}</uuid>
  <memory unit='MiB'>${memory}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>
    <kernel>${xmlText(guest.files.kernel)}</kernel>
    <initrd>${xmlText(guest.files.initrd)}</initrd>
    <cmdline>console=ttyS0 quiet panic=-1 mitigations=off tick=${guest.tickMs ?? 20} guest=${xmlText(guest.name)}</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='custom' match='exact'><model fallback='forbid'>qemu64</model></cpu>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
${guest.disks.map(diskXml).join('\n')}
    <controller type='usb' model='none'/>
    <controller type='virtio-serial'/>
    <serial type='file'><source path='${xmlText(join(guest.logDir, `${guest.name}.console`))}' append='on'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <channel type='unix'><source mode='bind' path='${xmlText(tickSocketOf({ name: guest.name, runDir: guest.runDirInHost ?? guest.runDir }))}'/><target type='virtio' name='lab.tick'/></channel>
    <memballoon model='none'/>
  </devices>
</domain>
`;
}

function diskXml(disk: GuestDisk, index: number): string {
  return `    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none' discard='unmap'/>
      <source file='${xmlText(disk.path)}'/>
      <target dev='vd${'abcdefgh'.charAt(index)}' bus='virtio'/>
    </disk>`;
}

function xmlText(text: string): string {
  return text.replace(/[&<>'"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
