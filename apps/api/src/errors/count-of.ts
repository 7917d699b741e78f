/** A count with its noun, for sentences: (1, 'layer') → “1 layer”, (2, 'layer') → “2 layers”. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
