import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: ['bootstrap/vitest.config.mjs', 'packages/*/vitest.config.ts', 'apps/*/vitest.config.ts', 'tests/vitest.config.ts'],
    globalSetup: ['tests/testkit/global-setup.ts'],
  },
});
