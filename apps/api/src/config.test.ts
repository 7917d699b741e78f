import { expect, it } from 'vitest';
import { readConfig } from './config.js';

const DATABASE_URL = 'postgresql://someone:secret@127.0.0.1/coppice';

it('has a default for everything but the database', () => {
  expect(readConfig({ DATABASE_URL })).toEqual({
    databaseUrl: DATABASE_URL,
    port: 4000,
    bind: '127.0.0.1',
    bootstrapAdminTokenFile: null,
    logLevel: 'info',
  });
});

it('names every variable that is wrong, and never its value', () => {
  const read = () => readConfig({ DATABASE_URL: 'mysql://user:secret@x', COPPICE_API_PORT: '70000', COPPICE_LOG_LEVEL: 'loud' });
  expect(read).toThrow(/DATABASE_URL.*COPPICE_API_PORT.*COPPICE_LOG_LEVEL/);
  expect(read).not.toThrow(/secret/);
});
