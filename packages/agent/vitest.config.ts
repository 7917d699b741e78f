import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { name: 'agent', include: ['src/**/*.test.ts'], testTimeout: 600_000, hookTimeout: 400_000 } });
