import { expect, it } from 'vitest';
import { composeDefinition, composeLiveDefinition } from './compose-definition.js';
import { readDefinition } from './domain-xml.js';

const slot = (number: number) => `<address type='pci' domain='0x0000' bus='0x00' slot='0x0${number}' function='0x0'/>`;
const disk = (target: string, file: string, { at = 0, type = 'qcow2', more = '' } = {}) =>
  `<disk type='file' device='disk'><driver name='qemu' type='${type}'/><source file='${file}' index='2'/>` +
  `<backingStore type='file'><format type='qcow2'/><source file='/p/stale'/></backingStore><target dev='${target}' bus='virtio'/>${more}${at === 0 ? '' : slot(at)}</disk>`;
const cdrom = "<disk type='file' device='cdrom'><driver type='raw'/><source file='/iso/x.iso'/><target dev='sda'/><readonly/></disk>";
const domain = (name: string, devices: string, { uuid = 'u', nvram = '' } = {}) =>
  `<domain><name>${name}</name><uuid>${uuid}</uuid><vcpu>1</vcpu><os><type>hvm</type>${nvram && `<nvram>${nvram}</nvram>`}</os><devices>${devices}</devices></domain>`;
const sources = new Map([['vda', { path: '/p/a.9.qcow2', format: 'qcow2' }]]);
const filesOf = (xml: string) => readDefinition(xml).disks.map(({ target, file, format }) => `${target} ${file} ${format}`);

it('is the recorded definition on the new heads, under the present name, with the present NVRAM, without any chain', () => {
  const recordedXml = domain('old', disk('vda', '/p/a.0.raw', { type: 'raw' }) + cdrom, { nvram: '/nvram/old' });
  const presentXml = domain('new', disk('vda', '/p/a.7.qcow2'), { nvram: '/nvram/new' });
  const xml = composeDefinition({ recordedXml, presentXml, sources, keptTargets: [] });
  expect(xml).toMatch(/<name>new<.*<nvram>\/nvram\/new</);
  expect(xml).not.toMatch(/stale|backingStore|index=|a\.0\.raw/);
  expect(filesOf(xml)).toEqual(['vda /p/a.9.qcow2 qcow2', 'sda /iso/x.iso raw']);
});

it('leaves out disks that are neither reverted nor kept, and takes the kept ones as they are now, on a free place of the bus', () => {
  const recordedXml = domain(
    'm',
    disk('vda', '/p/a.0', { at: 3 }) + disk('vdb', '/p/gone', { at: 4 }) + disk('vdc', '/p/exchanged', { at: 5 }),
  );
  const presentXml = domain(
    'm',
    disk('vda', '/p/a.7') + disk('vdc', '/p/c.2', { at: 3, more: '<serial>c</serial>' }) + disk('vdd', '/p/d.1', { at: 4 }),
  );
  const xml = composeDefinition({ recordedXml, presentXml, sources, keptTargets: ['vdc', 'vdd'] });
  expect(filesOf(xml)).toEqual(['vda /p/a.9.qcow2 qcow2', 'vdc /p/c.2 qcow2', 'vdd /p/d.1 qcow2']);
  expect(readDefinition(xml).disks[1]).toMatchObject({ serial: 'c' });
  expect(xml.match(/slot="0x03"/g)).toHaveLength(1);
  expect(xml.match(/slot="0x04"/g)).toHaveLength(1);
});

it('refuses another machine’s definition, a disk that was not recorded, and a kept disk that is not there', () => {
  const recordedXml = domain('m', disk('vdb', '/p/b'));
  const presentXml = domain('m', disk('vda', '/p/a'));
  expect(() => composeDefinition({ recordedXml, presentXml, sources, keptTargets: [] })).toThrow(/no disk with a source at vda/);
  expect(() => composeDefinition({ recordedXml: presentXml, presentXml, sources, keptTargets: ['vdx'] })).toThrow(/no disk vdx/);
  const other = domain('m', '', { uuid: 'other' });
  expect(() => composeDefinition({ recordedXml: other, presentXml, sources, keptTargets: [] })).toThrow(/machine other/);
});

it('for memory keeps every device: a disk is on its new head or as it is now, else it is refused', () => {
  const recordedXml = domain('m', disk('vda', '/p/a.0') + disk('vdb', '/p/b.0') + cdrom);
  const presentXml = domain('m', disk('vda', '/p/a.7') + disk('vdb', '/p/b.7'));
  const xml = composeLiveDefinition({ recordedXml, presentXml, sources, keptTargets: ['vdb'] });
  expect(filesOf(xml)).toEqual(['vda /p/a.9.qcow2 qcow2', 'vdb /p/b.7 qcow2', 'sda /iso/x.iso raw']);
  expect(() => composeLiveDefinition({ recordedXml, presentXml, sources, keptTargets: [] })).toThrow(/disk vdb that is not reverted/);
  expect(() => composeLiveDefinition({ recordedXml: domain('m', ''), presentXml, sources, keptTargets: [] })).toThrow(/no disk vda/);
});
