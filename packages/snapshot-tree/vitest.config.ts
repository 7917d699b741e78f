import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { name: 'snapshot-tree', include: ['src/**/*.test.ts'], testTimeout: 60_000 } });
