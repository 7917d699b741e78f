import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentMessage, LayersMeasured } from '@coppice/protocol';
import { pino } from 'pino';
import { afterAll, expect, it } from 'vitest';
import { PoolFolders } from '../pools/pool-folders.js';
import { LayerMeasurer } from './measure-layers.js';

const dir = mkdtempSync(join(tmpdir(), 'coppice-measure-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const KIB = 1024;
const requestId = '7c1f9a8e-0000-4000-8000-000000000001';

function qemu(program: 'qemu-img' | 'qemu-io', ...argv: string[]): void {
  execFileSync(program, argv, { cwd: dir, stdio: 'ignore' });
}

async function measure(layers: { fileName: string; format: 'qcow2' | 'raw' }[]): Promise<LayersMeasured['layers']> {
  const told: AgentMessage[] = [];
  const pools = new PoolFolders([{ name: 'pool', type: 'SHARED_MOUNT_POINT', path: dir }]);
  const measurer = new LayerMeasurer({ pools, tell: (message) => told.push(message), log: pino({ level: 'silent' }) });
  await measurer.answer({ type: 'layers.measure-requested', requestId, layers: layers.map((layer) => ({ pool: 'pool', ...layer })) });
  const [answer] = told;
  if (answer?.type !== 'layers.measured' || answer.requestId !== requestId) throw new Error('no answer');
  return answer.layers;
}

it("tells a layer's own data: not what is below it, not zeros, also while somebody writes it; and leaves out what it cannot read", async () => {
  qemu('qemu-img', 'create', '-f', 'qcow2', 'base.qcow2', '16M');
  qemu('qemu-io', '-f', 'qcow2', '-c', 'write -P 1 0 1M', 'base.qcow2');
  qemu('qemu-img', 'create', '-f', 'qcow2', '-F', 'qcow2', '-b', 'base.qcow2', 'top.qcow2');
  qemu('qemu-io', '-f', 'qcow2', '-c', 'write -P 2 64k 128k', '-c', 'write -z 2M 1M', '-c', 'write -P 3 4M 64k', 'top.qcow2');
  symlinkSync('base.qcow2', join(dir, 'link.qcow2'));
  const layers = await measure([
    { fileName: 'top.qcow2', format: 'qcow2' },
    { fileName: 'gone.qcow2', format: 'qcow2' },
    { fileName: 'link.qcow2', format: 'qcow2' },
    { fileName: 'base.qcow2', format: 'qcow2' },
  ]);
  expect(layers.map(({ fileName }) => fileName)).toEqual(['top.qcow2', 'base.qcow2']);
  // Pairs of gap and length: 64 KiB and 128 KiB; 4 MiB less 192 KiB and 64 KiB.
  expect([...Buffer.from(layers[0]?.dataMap ?? '', 'base64')]).toEqual([
    ...varint(64 * KIB),
    ...varint(128 * KIB),
    ...varint(3904 * KIB),
    ...varint(64 * KIB),
  ]);
  expect(layers[0]?.allocatedBytes).toBeGreaterThan(192 * KIB);
  expect([...Buffer.from(layers[1]?.dataMap ?? '', 'base64')]).toEqual([0, ...varint(KIB * KIB)]);
});

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}
