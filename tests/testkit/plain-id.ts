/** The id of a row, as the database has it, within the global one of the API. */
export function plainId(globalId: string): string {
  return Buffer.from(globalId, 'base64url').toString('utf8').split(':').at(-1) ?? '';
}
