import { expect, it } from 'vitest';
import { addressOf, likeDefinition } from './like-definition.js';

const UUID = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const VOLUME = '0f8fad5b-d9cb-469f-a165-70867728950e';
const OLD_VOLUME = '3f333df6-90a4-4fda-8dd3-9485d27cee36';

const RECORDED = `<domain type='kvm'>
  <name>web-1</name><uuid>11111111-1111-4111-8111-111111111111</uuid><genid>22222222-2222-4222-8222-222222222222</genid>
  <metadata><owner xmlns='urn:x'>web-1</owner></metadata>
  <vcpu>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><nvram template='/usr/share/VARS.fd'>/var/lib/nvram/web-1_VARS.fd</nvram></os>
  <sysinfo type='smbios'><system><entry name='uuid'>11111111-1111-4111-8111-111111111111</entry><entry name='serial'>s-1</entry><entry name='product'>P</entry></system></sysinfo>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/><source file='/pool/old.qcow2' index='2'/><backingStore/><target dev='vda' bus='virtio'/><serial>${OLD_VOLUME}</serial><wwn>5000c50015ea71aa</wwn></disk>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/pool/other.qcow2'/><target dev='vdb' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><source file='/iso/a.iso'/><target dev='sda' bus='sata'/><readonly/></disk>
    <disk type='file' device='floppy'><source file='/pool/floppy.img'/><target dev='fda' bus='fdc'/></disk>
    <interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/><virtualport type='openvswitch'><parameters interfaceid='33333333-3333-4333-8333-333333333333'/></virtualport><target dev='tap-web-1'/></interface>
    <interface type='bridge'><mac address='52:54:00:00:00:02'/><source bridge='br0'/></interface>
    <serial type='file'><source path='/log/web-1.console' append='on'/><log file='/log/web-1.log'/><target type='isa-serial' port='0'/></serial>
    <channel type='unix'><source mode='bind' path='/run/web-1.tick'/><target type='virtio' name='lab.tick'/></channel>
    <graphics type='vnc' port='5901' autoport='no' listen='127.0.0.1'/>
    <hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='0' function='0'/></source></hostdev>
    <memory model='nvdimm'><source><path>/pool/nvdimm</path></source></memory>
    <vsock model='virtio'><cid auto='no' address='7'/></vsock>
  </devices>
</domain>`;

function like(): string {
  const disks = new Map([['vda', { path: `/pool/volume-${VOLUME}.0.qcow2`, format: 'qcow2', volumeId: VOLUME }]]);
  return likeDefinition({ uuid: UUID, name: 'web-2-7c9e6679', recordedXml: RECORDED, disks });
}

it('takes name, UUID and everything that was made from them anew', () => {
  const xml = like();
  expect(xml).toContain('<name>web-2-7c9e6679</name>');
  expect(xml).toContain(`<uuid>${UUID}</uuid>`);
  expect(xml).toContain(`<entry name="uuid">${UUID}</entry>`);
  expect(xml).toContain('<entry name="product">P</entry>');
  expect(xml).not.toMatch(/web-1|11111111|22222222|33333333|s-1</);
});

it('puts the disks on their heads with serials of their own, and leaves out what it was not given', () => {
  const xml = like();
  expect(xml).toContain(`file="/pool/volume-${VOLUME}.0.qcow2"`);
  expect(xml).toContain(`<serial>${VOLUME}</serial>`);
  expect(xml).toContain('/iso/a.iso');
  expect(xml).not.toMatch(/old\.qcow2|other\.qcow2|floppy\.img|backingStore|index=|wwn/);
});

it('shares no address, socket, log, port or device of the host', () => {
  const xml = like();
  expect(xml).toContain(addressOf(UUID, 0));
  expect(xml).toContain(addressOf(UUID, 1));
  expect(addressOf(UUID, 0)).not.toBe(addressOf(UUID, 1));
  expect(xml).not.toMatch(/52:54:00:00:00:0|5901|hostdev|nvdimm|<path>|address="7"/);
  expect(xml).toMatch(/<serial type="pty">/);
  expect(xml).toMatch(/<channel type="unix"><target type="virtio" name="lab\.tick"\/><\/channel>/);
});

it('refuses a disk that the record does not have', () => {
  const disks = new Map([['vdq', { path: '/pool/x.qcow2', format: 'qcow2', volumeId: VOLUME }]]);
  expect(() => likeDefinition({ uuid: UUID, name: 'n', recordedXml: RECORDED, disks })).toThrow('vdq');
});
