import { expect, it } from 'vitest';
import { readDefinition, snapshotXml, withSources } from './domain-xml.js';

const disk = (target: string, file: string, inside = '') =>
  `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${file}' index='3'/>${inside}<target dev='${target}' bus='virtio'/></disk>`;
const chain = "<backingStore type='file' index='4'><format type='qcow2'/><source file='/p/deep.qcow2'/><backingStore/></backingStore>";

function domain(devices: string): string {
  return `<domain type='qemu'><name>a &amp; b</name><memory unit='KiB'>98304</memory><vcpu placement='static' current='1'>2</vcpu>
<os firmware='efi'><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os><devices>${devices}</devices></domain>`;
}

it('reads what the inventory and the checks need, and only the disk’s own source', () => {
  const agent = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='disconnected'/></channel>";
  const cdrom = "<disk type='file' device='cdrom'><driver type='raw'/><target dev='sda'/><readonly/></disk>";
  const network = "<disk type='network' device='disk'><driver type='raw'/><source protocol='nbd' name='x'/><target dev='vdc'/></disk>";
  const read = readDefinition(domain(disk('vda', '/p/it&apos;s.qcow2', chain) + cdrom + network + agent));
  expect(read).toMatchObject({
    name: 'a & b',
    isEmulated: true,
    vcpus: 1,
    memoryBytes: 96 * 1024 * 1024,
    machineType: 'pc-q35-7.2',
    firmware: 'efi',
    guestAgent: 'DISCONNECTED',
  });
  expect(read.disks).toMatchObject([
    { target: 'vda', file: "/p/it's.qcow2", format: 'qcow2', isReadOnly: false },
    { target: 'sda', device: 'cdrom', file: null, isReadOnly: true },
    { target: 'vdc', file: null },
  ]);
});

it('points disks at other files and leaves no explicit chain anywhere, terminators included', () => {
  const xml = domain(disk('vda', '/p/a.qcow2', chain) + disk('vdb', '/p/b.qcow2', '<backingStore/>'));
  const changed = withSources(xml, new Map([['vda', { path: '/p/a&b.qcow2', format: 'qcow2' }]]));
  expect(changed).not.toMatch(/backingStore|index=|deep/);
  expect(readDefinition(changed).disks.map(({ file }) => file)).toEqual(['/p/a&b.qcow2', '/p/b.qcow2']);
  expect(changed).toContain('placement="static"');
});

it('says the format with the file: an overlay over a raw layer is qcow2', () => {
  const raw = domain(disk('vda', '/p/a.raw').replace("type='qcow2'", "type='raw'"));
  const changed = withSources(raw, new Map([['vda', { path: '/p/a.1.qcow2', format: 'qcow2' }]]));
  expect(readDefinition(changed).disks).toMatchObject([{ file: '/p/a.1.qcow2', format: 'qcow2' }]);
});

it('refuses to point a disk that is not there, or that has no source', () => {
  expect(() => withSources(domain(disk('vda', '/p/a')), new Map([['vdb', { path: '/p/b', format: 'raw' }]]))).toThrow(
    /no disk with a source at vdb/,
  );
  expect(() => readDefinition('<domain>')).toThrow(/cannot be read/);
});

it('names every disk in a snapshot: the chosen external with their files, all others not at all', () => {
  const { disks } = readDefinition(domain(disk('vda', '/p/a') + disk('vdb', '/p/b')));
  expect(snapshotXml(disks, new Map([['vda', "/p/x'&.qcow2"]]))).toBe(
    '<domainsnapshot><disks><disk name="vda" snapshot="external" type="file"><driver type="qcow2"/><source file="/p/x\'&amp;.qcow2"/></disk>' +
      '<disk name="vdb" snapshot="no"/></disks></domainsnapshot>',
  );
});
