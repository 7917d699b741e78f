import { describe, expect, it } from 'vitest';
import { sourceFiles } from './source-files.js';

const files = sourceFiles().filter((file) => !file.path.startsWith('tests/tidy/'));

/** Source lines with string contents and comments left in: the rules below are about code, and match only code shapes. */
function lines(wanted: RegExp, except: RegExp = /$^/): string[] {
  return files
    .filter((file) => !except.test(file.path))
    .flatMap((file) =>
      file.text.split('\n').flatMap((line, index) => (wanted.test(line) ? [`${file.path}:${index + 1} ${line.trim()}`] : [])),
    );
}

/** A comment ends above the line, or above its decorators; of a GraphQL type the description is one. */
function isDocumented(text: readonly string[], at: number): boolean {
  let above = at - 1;
  while (above >= 0 && /^(@|\}\)|\)| {2})/.test(text[above] ?? '')) above -= 1;
  const decorators = text.slice(above + 1, at).join(' ');
  return /\*\/\s*$/.test(text[above] ?? '') || /description|@Resolver/.test(decorators);
}

describe('the house style', () => {
  it('has no folder or file that says nothing about its content', () => {
    const vague = /(^|\/)(utils?|common|helpers?|managers?|services?|misc|shared|lib)(\/|\.|$)/;
    expect(files.map((file) => file.path).filter((path) => vague.test(path))).toEqual([]);
  });

  it('caps files at 300 lines', () => {
    const long = files.filter((file) => file.text.split('\n').length > 301).map((file) => file.path);
    expect(long).toEqual([]);
  });

  it('has no any, and no assertion that a value is there', () => {
    // Not in comments, where “as any other” is English.
    expect(lines(/^(?!\s*(\/?\*|\/\/)).*(:\s*any\b(?!\w)|<any>|\bas any\b|any\[\])/)).toEqual([]);
  });

  it('mocks no module, focuses and skips no test', () => {
    expect(lines(/\bvi\.mock\(|\b(it|test|describe)\.(only|skip|todo)\(/)).toEqual([]);
  });

  it('never runs a shell', () => {
    expect(lines(/shell:\s*true|\bexecSync\(|[^.\w]exec\(\s*[`'"]|\b(ba)?sh['"],\s*\[\s*['"]-c/, /\.test\.ts$/)).toEqual([]);
  });

  it('leaves no note to do it later', () => {
    expect(lines(/\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([]);
  });

  it('talks to the database of record only by prepared or tagged queries', () => {
    expect(lines(/\$(query|execute)RawUnsafe\(/)).toEqual([]);
  });

  it('says of every exported function and class what it means', () => {
    const undocumented = files
      .filter((file) => !/\.test\.tsx?$/.test(file.path))
      .flatMap((file) => {
        const text = file.text.split('\n');
        return text.flatMap((line, at) =>
          /^export (abstract )?(async )?(function|class) /.test(line) && !isDocumented(text, at) ? [`${file.path}:${at + 1} ${line}`] : [],
        );
      });
    expect(undocumented).toEqual([]);
  });

  it('has default exports only where a tool demands them', () => {
    const demanded = /apps\/web\/(src\/app\/|next\.config|postcss\.config|codegen)|\.config\.(ts|mjs)$/;
    expect(lines(/^export default/, demanded)).toEqual([]);
  });
});
