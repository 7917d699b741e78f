/** 128 bits: no two dialogs ever share one. */
const BYTES = 16;

/** A fresh key. crypto.randomUUID is missing where a page came over plain HTTP from another host; getRandomValues is not. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
