import type { ModelWorld } from './model-world.js';

/** What goes wrong in an operation, and after how many steps. AGENT: it dies and comes back. HOST: so do the guests. */
export type Trouble = { kind: 'NONE' | 'AGENT' | 'HOST' | 'CANCEL'; after: number };

/** What the guests do meanwhile: 0 is nothing, anything else seeds where they write after each step. */
export type Guests = { seed: number; written: number };

/** What accompanies an operation: troubles left and guests that write on. */
export type Weather = { trouble: Trouble; guests: Guests };

/** Drives steps to their end, looking at everything after each. False where trouble came first; it comes once. */
export function drive(world: ModelWorld, steps: Generator<string>, weather: Weather): boolean {
  const { trouble } = weather;
  for (const said of steps) {
    guestsWrite(world, weather.guests);
    world.look(said);
    if (trouble.kind === 'NONE') continue;
    trouble.after -= 1;
    if (trouble.after < 0) return false;
  }
  return true;
}

/** One write into one of the running machines' disks. A value of 0 is a discard. */
export function guestsWrite(world: ModelWorld, guests: Guests): void {
  if (guests.seed === 0) return;
  guests.written += 1;
  const dice = (guests.seed + guests.written * 7919) % 104729;
  const head = world.record.heads[dice % world.record.heads.length];
  if (head) world.write(head.volumeId, dice >> 3, dice % 13 === 0 ? 0 : world.next());
}
