/** What the tests use of the launcher; `npm start` runs main.ts. */
export { applyMigrations, checkDatabaseVersion } from './database.js';
export { type DatabaseFolders, type EmbeddedPostgres, prepareEmbeddedPostgres } from './embedded-postgres.js';
