import { defineConfig } from 'vitest/config';

export default defineConfig({
  // type-graphql loads graphql's CommonJS build; vite would take the other one, and two copies refuse each other's types.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: { name: 'api', include: ['src/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 },
});
