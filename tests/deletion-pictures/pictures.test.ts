/** The pictures of docs/how-deletion-works.md are what the planner does. COPPICE_WRITE_PICTURES=1 draws them anew. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CASES } from './cases.js';
import { pictureOf } from './draw-forest.js';

const folder = new URL('../../docs/images/deletion/', import.meta.url);

it.each(CASES)('$name: the picture in the docs shows what is done', (drawn) => {
  const file = new URL(`${drawn.name}.svg`, folder);
  const picture = pictureOf(drawn);
  if (process.env['COPPICE_WRITE_PICTURES'] === '1') {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, picture);
  }
  expect(readFileSync(file, 'utf8')).toBe(picture);
});

it('every picture is in the docs', () => {
  const page = readFileSync(new URL('../../docs/how-deletion-works.md', import.meta.url), 'utf8');
  for (const { name } of CASES) expect(page).toContain(`images/deletion/${name}.svg`);
});
