/** How rows move when the tree changes. Pure: in numbers of rows, since all rows have one height. */

/** A row that was there before and stands elsewhere now: `byRows` above zero where it comes from below. */
export type RowMove = { id: string; byRows: number };

/** What moved and what left between two orders of rows. A list that was read anew as a whole moves nothing: `before` empty. */
export function compareRows(
  before: readonly string[],
  after: readonly string[],
): { moved: RowMove[]; departed: { id: string; index: number }[] } {
  const stood = new Map(before.map((id, index) => [id, index]));
  const stands = new Set(after);
  const moved = after.flatMap((id, index) => {
    const from = stood.get(id);
    return from === undefined || from === index ? [] : [{ id, byRows: from - index }];
  });
  const departed = before.flatMap((id, index) => (stands.has(id) ? [] : [{ id, index }]));
  return { moved, departed };
}
