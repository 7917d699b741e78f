/** Numbers and times in words that people read. Pure: the present time is passed in. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Bytes with a binary unit and at most three significant digits: 196608 → "192 KiB". */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  const digits = power === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${trimZeros(value.toFixed(digits))} ${UNITS[power] ?? 'B'}`;
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** A length of time: "240 ms", "3.2 s", "4 min 10 s", "2 h 5 min", "3 d 4 h". */
export function formatDuration(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${trimZeros((ms / 1_000).toFixed(1))} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return joinParts([Math.floor(seconds / 60), 'min'], [seconds % 60, 's']);
  if (seconds < 86_400) return joinParts([Math.floor(seconds / 3_600), 'h'], [Math.floor((seconds % 3_600) / 60), 'min']);
  return joinParts([Math.floor(seconds / 86_400), 'd'], [Math.floor((seconds % 86_400) / 3_600), 'h']);
}

function joinParts(...parts: [number, string][]): string {
  return parts.flatMap(([value, unit], index) => (index > 0 && value === 0 ? [] : [`${value} ${unit}`])).join(' ');
}

/** How long ago something was, in one unit: "just now", "5 min ago", "3 days ago". Clocks differ: the near future is "just now" too. */
export function formatAgo(at: Date, now: Date): string {
  const seconds = Math.round((now.getTime() - at.getTime()) / 1_000);
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  const days = Math.floor(seconds / 86_400);
  return days === 1 ? 'yesterday' : `${days} days ago`;
}

/** A count with its noun: (1, "disk") → "1 disk", (2, "disk") → "2 disks". */
export function formatCount(count: number, noun: string): string {
  return `${count} ${count === 1 ? noun : `${noun}s`}`;
}

/** An enum value as words: "DISK_AND_MEMORY" → "Disk and memory". */
export function formatEnum(value: string): string {
  const words = value.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
