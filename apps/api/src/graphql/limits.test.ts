import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { limitsRule, MAX_DEPTH, MAX_FIELDS } from './limits.js';

const schema = buildSchema('type Query { a: Query b(first: Int): Query c: Int nodes: [Query!]! }');

function refused(query: string): string[] {
  return validate(schema, parse(query), [limitsRule]).map((error) => error.message);
}

const nested = (depth: number) => `${'{ a '.repeat(depth - 1)}{ c }${' }'.repeat(depth - 1)}`;

describe('a request is refused before it is run', () => {
  it('when it is too deep, and not one field before', () => {
    expect(refused(nested(MAX_DEPTH))).toEqual([]);
    expect(refused(nested(MAX_DEPTH + 1))[0]).toContain(`${MAX_DEPTH + 1} fields deep`);
  });

  it('when it asks for too many fields, by aliases too', () => {
    const aliases = (count: number) => `{ ${Array.from({ length: count }, (_one, at) => `x${at}: c`).join(' ')} }`;
    expect(refused(aliases(MAX_FIELDS))).toEqual([]);
    expect(refused(aliases(MAX_FIELDS + 1))[0]).toContain(`${MAX_FIELDS + 1} fields`);
  });

  it('when its pages multiply, whatever a variable would say', () => {
    expect(refused('{ b(first: 10) { b(first: 10) { b(first: 10) { c } } } }')).toEqual([]);
    expect(refused('{ b(first: 100) { b(first: 100) { b(first: 100) { c } } } }')[0]).toContain('pages multiplied');
    expect(refused('query ($n: Int) { b(first: $n) { b(first: $n) { b(first: $n) { c } } } }')[0]).toContain('pages multiplied');
    expect(refused('{ b { nodes { b { nodes { b { nodes { b { nodes { c c2: c } } } } } } } } }')[0]).toContain('pages multiplied');
  });

  it('when fragments hide its size, in time that does not grow with what they hide', () => {
    const fragments = Array.from(
      { length: 40 },
      (_one, at) => `fragment f${at} on Query { x: a { ...f${at + 1} } y: a { ...f${at + 1} } }`,
    );
    const started = performance.now();
    expect(refused(`{ ...f0 } ${fragments.join(' ')} fragment f40 on Query { c }`).join()).toContain('fields');
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('but a fragment that spreads itself is left to the rule for that', () => {
    expect(refused('{ ...f } fragment f on Query { a { ...f } }')).toEqual([]);
  });
});
