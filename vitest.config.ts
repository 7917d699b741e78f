import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: ['bootstrap/vitest.config.mjs', 'packages/*/vitest.config.ts', 'apps/*/vitest.config.ts', 'tests/vitest.config.ts'],
    // The tests of whole worlds mostly wait for guests and daemons: five at a time keep two cores busy.
    maxWorkers: Math.max(5, availableParallelism()),
    globalSetup: ['tests/testkit/global-setup.ts'],
  },
});
