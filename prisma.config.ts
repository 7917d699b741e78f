import { fileURLToPath } from 'node:url';
import { defineConfig } from 'prisma/config';

// Prisma's own schema engine is a binary that it downloads from a host of its own; ours is an npm package (prisma/schema-engine.mjs says how).
process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= fileURLToPath(new URL('./prisma/schema-engine.mjs', import.meta.url));
process.env['CHECKPOINT_DISABLE'] ??= '1';

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  // `prisma generate` and `validate` need no database; every other command is given DATABASE_URL.
  datasource: { url: process.env['DATABASE_URL'] ?? 'postgresql://DATABASE_URL-is-not-set:5432/none' },
});
