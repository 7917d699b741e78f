import { describe, expect, it } from 'vitest';
import { isSameOrigin } from './same-origin.js';

describe('where a request comes from', () => {
  it('takes our own pages, and programs that are no browser', () => {
    expect(isSameOrigin({ origin: 'http://127.0.0.1:3000', host: '127.0.0.1:3000' })).toBe(true);
    expect(isSameOrigin({ origin: 'https://coppice.example', host: 'Coppice.example' })).toBe(true);
    expect(isSameOrigin({ host: '127.0.0.1:3000' })).toBe(true);
  });

  it('refuses another port, another host, and what is no origin', () => {
    expect(isSameOrigin({ origin: 'http://127.0.0.1:8080', host: '127.0.0.1:3000' })).toBe(false);
    expect(isSameOrigin({ origin: 'https://evil.example', host: 'coppice.example' })).toBe(false);
    expect(isSameOrigin({ origin: 'null', host: 'coppice.example' })).toBe(false);
  });
});
