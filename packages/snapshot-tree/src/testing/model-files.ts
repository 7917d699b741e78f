/**
 * Image files as small arrays of clusters, with what qcow2 does: a cluster that a file does not hold is read from its backing file, and
 * past that one's end it reads as zeros. Nothing here knows of snapshots, plans or layers; the property tests run plans against it.
 */

/** One file. A cell is a cluster: null where the file holds none, 0 for zeros written down, else data. One cluster is one byte. */
type ModelFile = { cells: (number | null)[]; backing: string | null };

/** A pool's files by name. Every broken promise throws: reading what was removed, making what is there. */
export class ModelFiles {
  readonly #files = new Map<string, ModelFile>();
  /** Data clusters that merges wrote, ever. */
  movedClusters = 0;

  create(name: string, file: { clusters: number; backing: string | null }): void {
    if (this.#files.has(name)) throw new Error(`file ${name} is there already`);
    this.#files.set(name, { cells: Array.from({ length: file.clusters }, () => null), backing: file.backing });
  }

  remove(name: string): void {
    if (!this.#files.delete(name)) throw new Error(`file ${name} is not there to remove`);
  }

  names(): string[] {
    return [...this.#files.keys()];
  }

  sizeOf(name: string): number {
    return this.#file(name).cells.length;
  }

  backingOf(name: string): string | null {
    return this.#file(name).backing;
  }

  rebase(name: string, backing: string | null): void {
    this.#file(name).backing = backing;
  }

  /** Only ever grows, as volumes do. */
  grow(name: string, clusters: number): void {
    const { cells } = this.#file(name);
    while (cells.length < clusters) cells.push(null);
  }

  /** What a guest does. */
  write(name: string, at: number, value: number): void {
    const { cells } = this.#file(name);
    if (at >= cells.length) throw new Error(`file ${name} ends before cluster ${at}`);
    cells[at] = value;
  }

  /** What the file itself holds there. */
  own(name: string, at: number): number | null {
    return this.#file(name).cells[at] ?? null;
  }

  /** What a merge does: the same as a guest's write, counted. */
  move(name: string, at: number, value: number): void {
    if (value !== 0) this.movedClusters += 1;
    this.write(name, at, value);
  }

  /** Clusters of data in the file. */
  dataClusters(name: string): number[] {
    return this.#file(name).cells.flatMap((cell, index) => (cell !== null && cell !== 0 ? [index] : []));
  }

  /** Clusters of data in all files. */
  usedClusters(): number {
    let used = 0;
    for (const { cells } of this.#files.values()) for (const cell of cells) if (cell !== null && cell !== 0) used += 1;
    return used;
  }

  /** Some file holds zeros that a guest wrote or discarded: they cover what is below, and no map of data shows them. */
  hasZeros(): boolean {
    return [...this.#files.values()].some(({ cells }) => cells.includes(0));
  }

  /** What a reader of the file sees in one cluster. */
  read(name: string, at: number): number {
    let file = this.#file(name);
    for (;;) {
      if (at >= file.cells.length) return 0;
      const cell = file.cells[at];
      if (cell !== null && cell !== undefined) return cell;
      if (file.backing === null) return 0;
      file = this.#file(file.backing);
    }
  }

  /** What a reader of the file sees. */
  readAll(name: string): number[] {
    return this.#file(name).cells.map((_cell, at) => this.read(name, at));
  }

  #file(name: string): ModelFile {
    const found = this.#files.get(name);
    if (!found) throw new Error(`file ${name} is not there`);
    return found;
  }
}
