import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importsOf, type SourceFile, sourceFiles } from './source-files.js';

/*
 * ARCHITECTURE.md, dependencies point one way:
 *   snapshot-tree ◀── api ──▶ protocol ◀── agent          web ──▶ apps/api/schema.graphql (generated types only)
 *   lab ◀── launcher; tests may use everything; nothing uses tests.
 */
const MAY_USE: Record<string, readonly string[]> = {
  'packages/snapshot-tree': [],
  'packages/protocol': [],
  'packages/agent': ['@coppice/protocol'],
  'packages/lab': [],
  'packages/launcher': ['@coppice/lab'],
  'apps/api': ['@coppice/snapshot-tree', '@coppice/protocol'],
  'apps/web': [],
};

const files = sourceFiles();

function packageOf(path: string): string | undefined {
  return Object.keys(MAY_USE).find((name) => path.startsWith(`${name}/`));
}

function isTest(file: SourceFile): boolean {
  return /\.test\.tsx?$/.test(file.path) || file.path.includes('/testing/');
}

function offences(files: SourceFile[], isWrong: (file: SourceFile, imported: string) => boolean): string[] {
  return files.flatMap((file) =>
    importsOf(file.text)
      .filter((imported) => isWrong(file, imported))
      .map((imported) => `${file.path} imports ${imported}`),
  );
}

describe('dependencies point one way', () => {
  it('sees the imports it judges', () => {
    expect(importsOf("import { a } from './a.js';\nimport type {\n  B,\n} from '@coppice/b';\nimport 'c';")).toEqual([
      './a.js',
      'c',
      '@coppice/b',
    ]);
    expect(files.length).toBeGreaterThan(30);
  });

  it('between packages', () => {
    const wrong = offences(
      files.filter((file) => !isTest(file)),
      (file, imported) => {
        const owner = packageOf(file.path);
        return owner !== undefined && imported.startsWith('@coppice/') && !MAY_USE[owner]?.some((name) => imported.startsWith(name));
      },
    );
    expect(wrong).toEqual([]);
  });

  it('and never by a path into another package', () => {
    const wrong = offences(files, (file, imported) => {
      const owner = packageOf(file.path);
      if (owner === undefined || !imported.startsWith('.')) return false;
      return !normalize(join(dirname(file.path), imported)).startsWith(`${owner}/`);
    });
    expect(wrong).toEqual([]);
  });

  it('snapshot-tree is pure: it imports nothing but itself', () => {
    const pure = files.filter((file) => file.path.startsWith('packages/snapshot-tree/src') && !isTest(file));
    expect(offences(pure, (_file, imported) => !imported.startsWith('.'))).toEqual([]);
    const impure = pure.filter((file) => /Date\.now|new Date\(\)|Math\.random|process\.|setTimeout/.test(file.text));
    expect(impure.map((file) => file.path)).toEqual([]);
  });

  it('protocol uses zod and nothing else', () => {
    const protocol = files.filter((file) => file.path.startsWith('packages/protocol/src') && !isTest(file));
    expect(offences(protocol, (_file, imported) => !imported.startsWith('.') && imported !== 'zod')).toEqual([]);
  });

  it('only stores and the database client of apps/api import Prisma', () => {
    const api = files.filter((file) => file.path.startsWith('apps/api/src') && !isTest(file));
    const isPrisma = (imported: string) => imported.startsWith('@prisma/') || imported.includes('/generated/');
    const wrong = offences(
      api,
      (file, imported) => isPrisma(imported) && !file.path.endsWith('.store.ts') && !file.path.includes('/platform/'),
    );
    expect(wrong).toEqual([]);
  });

  it('the platform of apps/api knows no slice', () => {
    const platform = files.filter((file) => file.path.startsWith('apps/api/src/platform/') && !isTest(file));
    expect(offences(platform, (_file, imported) => imported.startsWith('../'))).toEqual([]);
  });
});
