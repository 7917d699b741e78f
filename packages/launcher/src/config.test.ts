import { expect, it } from 'vitest';
import { clientAddress, readConfig, runDirOf } from './config.js';

const source = { env: {}, argv: [], root: '/srv/coppice', uid: 0 };

it('has a default for everything', () => {
  expect(readConfig(source)).toMatchObject({
    config: { dataDir: '/srv/coppice/.coppice', apiPort: 4000, webPort: 3000, bind: '127.0.0.1', databaseUrl: undefined, isDemo: true },
  });
});

it('takes relative data folders from the root folder, and gives each its own short run folder', () => {
  const result = readConfig({ ...source, env: { COPPICE_DATA_DIR: 'other data' }, argv: ['--no-demo'] });
  expect(result).toMatchObject({ config: { dataDir: '/srv/coppice/other data', isDemo: false } });
  expect(runDirOf('/a', 0)).toMatch(/^\/run\/coppice-[0-9a-f]{8}$/);
  expect(runDirOf('/a', 0)).not.toBe(runDirOf('/b', 0));
  expect(runDirOf('/a', 1000)).toMatch(/^\/tmp\/coppice-1000-[0-9a-f]{8}$/);
});

it('names every problem at once', () => {
  const env = { COPPICE_API_PORT: '70000', COPPICE_WEB_PORT: 'web', COPPICE_BIND: 'localhost', DATABASE_URL: 'mysql://x' };
  const result = readConfig({ ...source, env, argv: ['--demo'] });
  expect(result).toMatchObject({
    problems: [
      expect.stringContaining('COPPICE_API_PORT'),
      expect.stringContaining('COPPICE_WEB_PORT'),
      expect.stringContaining('COPPICE_BIND'),
      expect.stringContaining('DATABASE_URL'),
      expect.stringContaining('--demo'),
    ],
  });
  expect(readConfig({ ...source, env: { COPPICE_API_PORT: '3000' } })).toMatchObject({
    problems: [expect.stringContaining('must differ')],
  });
});

it('knows where clients reach a bound address', () => {
  expect(['0.0.0.0', '::', '10.1.2.3', 'fe80::1'].map(clientAddress)).toEqual(['127.0.0.1', '[::1]', '10.1.2.3', '[fe80::1]']);
});
