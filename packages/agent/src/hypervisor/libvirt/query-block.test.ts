import { expect, it } from 'vitest';
import { deviceOn, writtenFilesOf } from './query-block.js';

it('names the file of each disk, plain or with its options, and skips an empty drive', () => {
  const json = JSON.stringify({ driver: 'qcow2', file: { driver: 'file', filename: '/pool/b.1.qcow2' }, backing: null });
  const text = JSON.stringify({
    return: [{ inserted: { file: '/pool/a.1.qcow2' } }, { inserted: { file: `json:${json}` } }, { device: 'cdrom' }],
  });
  expect(writtenFilesOf(text)).toEqual(['/pool/a.1.qcow2', '/pool/b.1.qcow2']);
});

it('names the device that is on a file', () => {
  const qdev = '/machine/peripheral/virtio-disk0/virtio-backend';
  const text = JSON.stringify({ return: [{ device: 'cdrom' }, { qdev, inserted: { file: '/pool/a.1.qcow2' } }] });
  expect(deviceOn(text, '/pool/a.1.qcow2')).toBe(qdev);
  expect(deviceOn(text, '/pool/b.1.qcow2')).toBeNull();
});
