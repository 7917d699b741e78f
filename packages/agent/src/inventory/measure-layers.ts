/**
 * Looks where layers hold data, when the API asks. No command: it waits for no machine's turn, is bounded, and what cannot be read is left
 * out. Must never open an image for writing.
 */
import type { AgentMessage, ApiMessage, LayersMeasured } from '@coppice/protocol';
import type { Logger } from 'pino';
import { readImage } from '../hypervisor/qemu-storage/image-file.js';
import { dataRangesOf } from '../hypervisor/qemu-storage/map-image.js';
import type { PoolFolders } from '../pools/pool-folders.js';
import { type DataRange, encodeExtents, MAX_DATA_MAP_CHARACTERS } from './encode-extents.js';

/** qemu-img at once: storage that is slow gets no more work than that from us. */
const MAX_AT_ONCE = 2;
const LAYER_DEADLINE_MS = 20_000;
/** Requests that may wait; the API asks again, or plans by what it knows. */
const MAX_REQUESTS = 8;
/** Of all data maps of one answer; below MAX_MESSAGE_BYTES with room for names. */
const MAX_ANSWER_CHARACTERS = 3 * 1024 * 1024;

export type MeasureRequest = Extract<ApiMessage, { type: 'layers.measure-requested' }>;
type LayerToMeasure = MeasureRequest['layers'][number];

interface MeasurerParts {
  readonly pools: Pick<PoolFolders, 'pathOf'>;
  readonly tell: (message: AgentMessage) => void;
  readonly log: Logger;
}

interface Measured {
  readonly pool: string;
  readonly fileName: string;
  readonly allocatedBytes: number;
  readonly ranges: readonly DataRange[];
}

/** See the file's head. */
export class LayerMeasurer {
  private requests = 0;
  private running = 0;
  private readonly waiting: Array<() => void> = [];

  constructor(private readonly parts: MeasurerParts) {}

  /** Answers by `layers.measured`, or not at all where too much is asked at once. Never rejects. */
  async answer({ requestId, layers }: MeasureRequest): Promise<void> {
    if (this.requests >= MAX_REQUESTS) {
      this.parts.log.warn({ requestId }, 'too many layers are to be measured at once: a request is dropped');
      return;
    }
    this.requests += 1;
    const measured = await Promise.all(layers.map((layer) => this.inTurn(() => this.measure(layer))));
    this.requests -= 1;
    const found = measured.filter((layer) => layer !== null);
    this.parts.tell({ type: 'layers.measured', requestId, layers: fitting(found) });
  }

  private async measure(layer: LayerToMeasure): Promise<Measured | null> {
    const { pool, fileName, format } = layer;
    try {
      const path = await this.parts.pools.pathOf(pool, fileName);
      const { allocatedBytes } = await readImage(path, format);
      return { pool, fileName, allocatedBytes, ranges: await dataRangesOf({ path, format }, LAYER_DEADLINE_MS) };
    } catch (error) {
      this.parts.log.info({ err: error, pool, fileName }, 'a layer could not be measured');
      return null;
    }
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= MAX_AT_ONCE) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running += 1;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running -= 1;
      else next();
    }
  }
}

/** All maps in one message: the longest are made coarser until they fit together. */
function fitting(measured: readonly Measured[]): LayersMeasured['layers'] {
  for (let limit = MAX_DATA_MAP_CHARACTERS; ; limit = Math.floor(limit / 2)) {
    const layers = measured.map(({ pool, fileName, allocatedBytes, ranges }) => ({
      pool,
      fileName,
      allocatedBytes,
      dataMap: encodeExtents(ranges, limit),
    }));
    const characters = layers.reduce((sum, { dataMap }) => sum + dataMap.length, 0);
    if (characters <= MAX_ANSWER_CHARACTERS) return layers;
  }
}
