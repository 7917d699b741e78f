import type { Layer, Pin, VolumeHead } from './layer-forest.js';

/** The records of one forest, as a store reads them: layers with a file, what is written, what is held on to. Garbage is not in it. */
export type ForestRecord<H extends VolumeHead = VolumeHead> = {
  layers: readonly Layer[];
  heads: readonly H[];
  pins: readonly Pin[];
};

/** A head with the machine that writes it. Every machine that reads a layer of the forest is asked for, clones too. */
export type MachineHead = VolumeHead & {
  machineId: string;
  /** The machine has its files open now, paused or not. A detached volume's is closed. */
  isRunning: boolean;
};
