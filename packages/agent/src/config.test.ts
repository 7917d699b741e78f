import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readConfig } from './config.js';

const dir = mkdtempSync(join(tmpdir(), 'coppice-config-'));
afterAll(() => rmSync(dir, { recursive: true }));

function fileWith(content: string): string {
  const path = join(dir, 'agent.json');
  writeFileSync(path, content);
  return path;
}

const usable = {
  apiUrls: ['ws://127.0.0.1:4000/agent'],
  hostName: 'demo-1',
  libvirtUri: 'qemu:///system',
  stateDir: '/var/lib/coppice-agent',
  pools: [{ name: 'demo-pool', type: 'SHARED_MOUNT_POINT', path: '/pool' }],
};

it('takes the file, and lets the environment override any key', () => {
  const config = readConfig({
    COPPICE_AGENT_CONFIG: fileWith(JSON.stringify(usable)),
    COPPICE_AGENT_HOST_NAME: 'demo-2',
    COPPICE_AGENT_MIGRATION_URI: 'qemu+tls://demo-2/system',
    COPPICE_AGENT_API_URLS: 'wss://a/agent, wss://b/agent',
    COPPICE_AGENT_POOLS: '[{"name":"p","type":"RBD"}]',
    COPPICE_AGENT_MERGE_BYTES_PER_SECOND: '1048576',
  });
  expect(config).toMatchObject({
    hostName: 'demo-2',
    migrationUri: 'qemu+tls://demo-2/system',
    apiUrls: ['wss://a/agent', 'wss://b/agent'],
    logLevel: 'info',
    mergeBytesPerSecond: 1_048_576,
    emulatedMemory: 'HELD',
    stateDir: usable.stateDir,
  });
  expect(config.pools).toEqual([{ name: 'p', type: 'RBD' }]);
});

it('names every key that is wrong, in one message', () => {
  const path = fileWith(
    JSON.stringify({ ...usable, apiUrls: ['http://x'], stateDir: 'relative', pool: [], pools: [{ name: 'p', type: 'NFS' }] }),
  );
  const read = () => readConfig({ COPPICE_AGENT_CONFIG: path });
  expect(read).toThrow(/apiUrls/);
  expect(read).toThrow(/stateDir/);
  expect(read).toThrow(/"pool"/);
  expect(read).toThrow(/a file-based pool needs a path/);
});

it('says which file it could not read', () => {
  expect(() => readConfig({ COPPICE_AGENT_CONFIG: join(dir, 'none.json') })).toThrow(/none\.json cannot be read/);
  expect(() => readConfig({ COPPICE_AGENT_CONFIG: fileWith('{') })).toThrow(/agent\.json cannot be read/);
  expect(() => readConfig({})).toThrow(/names no file/);
});
