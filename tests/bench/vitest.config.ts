import { defineConfig } from 'vitest/config';

/** `npm run bench`: figures, never part of `npm test`. Nothing else may run beside it. */
export default defineConfig({
  test: {
    name: 'bench',
    root: import.meta.dirname,
    include: ['**/*.bench.ts'],
    globalSetup: ['./processors.ts', '../testkit/global-setup.ts'],
    testTimeout: 1_200_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    disableConsoleIntercept: true,
  },
});
