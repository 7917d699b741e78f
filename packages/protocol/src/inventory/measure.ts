import { z } from 'zod';
import { count, fileName, imageFormat, poolName, uuid } from '../scalars.js';
import { dataMap } from './data-map.js';

/** Most layers that one request names. */
export const MEASURED_AT_ONCE = 256;

/** API → agent: look where these layers hold data. Not a command: it changes nothing, is answered soon or never, and may be lost. */
export const measureRequested = z.object({
  type: z.literal('layers.measure-requested'),
  requestId: uuid,
  layers: z
    .array(z.object({ pool: poolName, fileName, format: imageFormat }))
    .min(1)
    .max(MEASURED_AT_ONCE),
});

/** Agent → API: what it found. A layer that could not be read is left out. */
export const layersMeasured = z.object({
  type: z.literal('layers.measured'),
  requestId: uuid,
  layers: z.array(z.object({ pool: poolName, fileName, allocatedBytes: count, dataMap })).max(MEASURED_AT_ONCE),
});

export type LayersMeasured = z.infer<typeof layersMeasured>;
