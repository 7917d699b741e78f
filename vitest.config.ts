import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: ['bootstrap/vitest.config.mjs', 'packages/*/vitest.config.ts', 'apps/*/vitest.config.ts', 'tests/vitest.config.ts'],
    // The tests of whole worlds mostly wait: two at a time also where there are only two cores.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    globalSetup: ['tests/testkit/global-setup.ts'],
  },
});
