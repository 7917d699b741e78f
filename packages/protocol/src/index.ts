/** What the API and an agent say to each other, as zod schemas and nothing else. PROTOCOL.md is normative. */
export * from './close-codes.js';
export * from './commands/index.js';
export * from './hello/index.js';
export * from './inventory/index.js';
export * from './limits.js';
export * from './messages.js';
export * from './reports/index.js';
export { copyFileName, diskTarget, fileName, imageFormat, layerFileName, poolName, snapshotFile, snapshotFileName } from './scalars.js';
export * from './version.js';
