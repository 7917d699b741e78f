/** A machine's size as people type it. Pure. */

const MIB = 2 ** 20;
/** More than any host has; a slip of the finger is noticed before the API is asked. */
const VCPUS_MAX = 1024;

/** Processors from a typed number; null where it is none. */
export function toVcpus(text: string): number | null {
  const value = Number(text.trim());
  return text.trim() !== '' && Number.isInteger(value) && value >= 1 && value <= VCPUS_MAX ? value : null;
}

/** Memory in bytes from whole MiB; null where it is none. */
export function toMemoryBytes(text: string): number | null {
  const value = Number(text.trim());
  return text.trim() !== '' && Number.isInteger(value) && value >= 1 && Number.isSafeInteger(value * MIB) ? value * MIB : null;
}

/** Memory as whole MiB, for a field. */
export function toMebibytes(bytes: number): string {
  return String(Math.round(bytes / MIB));
}
