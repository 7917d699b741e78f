/** Writes apps/api/schema.graphql; with --check, fails where the file is not what this code emits. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { buildSchema } from './build-schema.js';

const FILE = fileURLToPath(new URL('../../schema.graphql', import.meta.url));
const HEADER = '# Emitted by `pnpm --filter @coppice/api emit-schema` from the code. Do not edit: change the code and emit again.\n\n';

/** The schema's text as it is committed. */
export function schemaText(): string {
  return `${HEADER}${printSchema(lexicographicSortSchema(buildSchema()))}\n`;
}

/** Writes or checks the file; answers the exit code. */
export function emitSchema(isCheck: boolean): number {
  const text = schemaText();
  if (!isCheck) {
    writeFileSync(FILE, text);
    return 0;
  }
  if (readFileSync(FILE, 'utf8') === text) return 0;
  process.stderr.write(
    'apps/api/schema.graphql is not what the code emits. Run `pnpm --filter @coppice/api emit-schema` and look at the diff.\n',
  );
  return 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = emitSchema(process.argv.includes('--check'));
