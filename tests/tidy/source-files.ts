import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top folder of the repository. */
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** One source file that git tracks, or would track. */
export type SourceFile = { path: string; text: string };

/** Every TypeScript and plain JavaScript file of the project, generated and ignored ones left out. */
export function sourceFiles(): SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  return listed
    .split('\0')
    .filter((path) => /\.(ts|tsx|mjs)$/.test(path))
    .flatMap((path) => readIfThere(path));
}

/** Every module name that the text imports or exports from, static and dynamic. */
export function importsOf(text: string): string[] {
  const pattern = /(?:^|\n)\s*(?:import|export)[^'"\n;]*?from\s+['"]([^'"]+)['"]|import\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/g;
  const multiline = /(?:import|export)\s+(?:type\s+)?\{[^}]*\}\s+from\s+['"]([^'"]+)['"]/g;
  const found = [...text.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
  return [...new Set([...found, ...[...text.matchAll(multiline)].map((match) => match[1] ?? '')])].filter(Boolean);
}

function readIfThere(path: string): SourceFile[] {
  try {
    return [{ path, text: readFileSync(join(ROOT, path), 'utf8') }];
  } catch (cause) {
    // Deleted in the work tree and not yet in the index: git still lists it.
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw cause;
  }
}
