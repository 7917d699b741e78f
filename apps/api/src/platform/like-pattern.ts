/** The text as Prisma's `contains` must be given it: Prisma hands it to LIKE as it is, where % and _ would match anything. */
export function literally(text: string): string {
  return text.replaceAll(/[\\%_]/g, (sign) => `\\${sign}`);
}
