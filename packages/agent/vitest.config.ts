import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { name: 'agent', include: ['src/**/*.test.ts'], testTimeout: 300_000, hookTimeout: 120_000 } });
