import { expect, it } from 'vitest';
import { readDefinition } from './domain-xml.js';
import { spelledChainsWithEnds } from './spelled-chains.js';
import { reshaped } from './reshape.js';
import { diskXmlOf, virtioDiskXml } from './virtio-disk.js';

const VOLUME = '0f8fad5b-d9cb-469f-a165-70867728950e';

function domain(inside: string): string {
  return `<domain type='kvm'><name>m</name><memory unit='MiB'>96</memory><currentMemory unit='KiB'>4096</currentMemory><vcpu placement='static' current='1'>2</vcpu>${inside}</domain>`;
}

const disk = (target: string, file: string, inside = '') =>
  `<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none' discard='unmap'/><source file='${file}'/>${inside}<target dev='${target}' bus='virtio'/></disk>`;

it('gives all vCPUs and all memory from the start, and lets sockets make up for them', () => {
  const xml = reshaped(domain("<vcpus><vcpu id='0'/></vcpus><cpu><topology sockets='1' dies='1' cores='2' threads='1'/></cpu>"), {
    vcpus: 4,
    memoryBytes: 200 * 1024 * 1024,
  });
  expect(readDefinition(xml)).toMatchObject({ vcpus: 4, memoryBytes: 200 * 1024 * 1024 });
  expect(xml).toMatch(/<currentMemory unit="KiB">204800</);
  expect(xml).toMatch(/sockets="2"/);
  expect(xml).not.toMatch(/current=|<vcpus>/);
});

it('leaves alone what is not asked for', () => {
  const xml = reshaped(domain(''), { vcpus: null, memoryBytes: null });
  expect(xml).toContain('current="1"');
  expect(readDefinition(xml).memoryBytes).toBe(96 * 1024 * 1024);
});

it('refuses a shape that the layout of vCPUs or memory does not allow', () => {
  const topology = domain("<cpu><topology sockets='1' cores='2' threads='2'/></cpu>");
  expect(() => reshaped(topology, { vcpus: 3, memoryBytes: null })).toThrow(/4 vCPUs each, of which 3 is no multiple/);
  const numa = domain("<cpu><numa><cell id='0' cpus='0' memory='98304'/></numa></cpu>");
  expect(() => reshaped(numa, { vcpus: null, memoryBytes: 1 })).toThrow(/NUMA/);
});

it('reads the chains that a definition states, and whether it states their ends', () => {
  const two = "<backingStore type='file'><format type='qcow2'/><source file='/p/b'/><backingStore/></backingStore>";
  const open = "<backingStore type='file'><format type='qcow2'/><source file='/p/b'/></backingStore>";
  const devices = `<devices>${disk('vda', '/p/a', two)}${disk('vdb', '/p/a', open)}${disk('vdc', '/p/a')}${disk('vdd', '/p/a', '<backingStore/>')}</devices>`;
  expect(spelledChainsWithEnds(domain(devices))).toEqual([
    { target: 'vda', files: ['/p/a', '/p/b'], isClosed: true },
    { target: 'vdb', files: ['/p/a', '/p/b'], isClosed: false },
    { target: 'vdc', files: ['/p/a'], isClosed: false },
    { target: 'vdd', files: ['/p/a'], isClosed: true },
  ]);
});

it('makes a disk as the machine has its others, with as much of the volume as virtio carries as its serial', () => {
  const likeXml = domain(`<devices>${disk('vda', '/p/x.0.qcow2')}</devices>`);
  const xml = virtioDiskXml({ volumeId: VOLUME, target: 'vdc', path: '/p/a&b', format: 'qcow2', likeXml });
  expect(xml).toContain('<source file="/p/a&amp;b"/>');
  expect(xml).toContain('<serial>0f8fad5bd9cb469fa165</serial>');
  expect(xml).toMatch(/cache="none" discard="unmap"/);
  const whole = domain(`<devices>${disk('vda', `/p/volume-${VOLUME}.0.qcow2`, `<serial>${VOLUME}</serial>`)}</devices>`);
  expect(virtioDiskXml({ volumeId: VOLUME, target: 'vdc', path: '/p/a', format: 'qcow2', likeXml: whole })).toContain(
    `<serial>${VOLUME}</serial>`,
  );
});

it('takes one disk out of a definition', () => {
  const xml = domain(`<devices>${disk('vda', '/p/a')}${disk('vdb', '/p/b')}</devices>`);
  expect(diskXmlOf(xml, 'vdb')).toMatch(/^<disk [^]*\/p\/b[^]*<\/disk>$/);
  expect(diskXmlOf(xml, 'vdc')).toBeNull();
});
