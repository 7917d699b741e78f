import { expect, it } from 'vitest';
import { destinationOf } from './destination.js';

const MACHINE = '0f8fad5b-d9cb-469f-a165-70867728950e';

it('lets the memory travel to the host of the URI, or through a socket beside that of a libvirt of the same machine', () => {
  expect(destinationOf('qemu+tls://h2.example/system', MACHINE)).toMatchObject({ streamUri: 'tcp://h2.example', isEncrypted: true });
  expect(destinationOf('qemu+ssh://root@[fd00::2]/system', MACHINE)).toMatchObject({ streamUri: 'tcp://[fd00::2]', isEncrypted: false });
  expect(destinationOf('qemu:///system?socket=/run/h2/libvirt-sock', MACHINE)).toMatchObject({
    streamUri: `unix:///run/h2/migrate-${MACHINE}`,
  });
  expect(destinationOf('qemu:///session', MACHINE)).toMatchObject({ streamUri: null });
});

it.each([
  'qemu+ext:///system?command=/bin/sh',
  'qemu+ssh://h2/system?command=/bin/sh',
  'qemu+ssh://h2/system?socket=/x&netcat=/bin/sh',
  'qemu+ssh://-oProxyCommand=x/system',
  'qemu+ssh://-oProxyCommand@h2/system',
  'qemu:///system?socket=relative',
  'xen+ssh://h2/',
  'nonsense',
])('refuses %s', (uri) => {
  expect(() => destinationOf(uri, MACHINE)).toThrow(/Nothing is migrated to/);
});
