import { defineConfig } from 'vitest/config';

/** Limits for a machine on which any process may stand still for seconds; every wait inside a test has its own, and says what it waited for. */
export default defineConfig({
  test: { name: 'tests', include: ['**/*.test.ts'], testTimeout: 600_000, hookTimeout: 400_000 },
});
