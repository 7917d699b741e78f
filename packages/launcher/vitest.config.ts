import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { name: 'launcher', include: ['src/**/*.test.ts'], testTimeout: 400_000, hookTimeout: 300_000 } });
