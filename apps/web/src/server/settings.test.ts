import { describe, expect, it } from 'vitest';
import { readSettings } from './settings.js';

describe('settings of the dashboard server', () => {
  it('has a default for everything', () => {
    const settings = readSettings({});
    expect(settings.port).toBe(3000);
    expect(settings.bind).toBe('127.0.0.1');
    expect(settings.apiUrl.href).toBe('http://127.0.0.1:4000/');
  });

  it('takes what the environment says', () => {
    const settings = readSettings({ COPPICE_WEB_PORT: '3107', COPPICE_BIND: '::1', COPPICE_API_URL: 'https://api.example.org' });
    expect([settings.port, settings.bind, settings.apiUrl.href]).toEqual([3107, '::1', 'https://api.example.org/']);
  });

  it.each(['abc', '70000', '-1', ''])('refuses the port %j in words', (port) => {
    expect(() => readSettings({ COPPICE_WEB_PORT: port })).toThrow(/not a port/);
  });

  it.each(['localhost:4000', 'ftp://x', 'nonsense'])('refuses the API address %j in words', (url) => {
    expect(() => readSettings({ COPPICE_API_URL: url })).toThrow(/not an address/);
  });
});
