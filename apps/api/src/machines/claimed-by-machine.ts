import { resourceOf } from '../operations/claim.store.js';
import type { MachineFacts } from './machine-facts.store.js';

/** Everything whose files an operation on the whole machine reads or changes: it, its volumes, and the forests that their chains run through. */
export function wholeMachine(facts: MachineFacts): string[] {
  const layers = facts.layers.filter((layer) => !layer.isTemplate);
  return [...facts.volumes.map(({ id }) => resourceOf.volume(id)), ...layers.map(({ volumeId }) => resourceOf.layerForest(volumeId))];
}
