import type { ForestRecord } from '../model/forest-record.js';
import { LayerForest } from '../model/layer-forest.js';

/** One image file as a host found it; its header's backing file is a name in the same pool. */
export type FoundFile = { fileName: string; backingFileName: string | null };

/** Where record and files differ. UNKNOWN_FILE is never a reason to remove it: it may be somebody's data. */
export type FileFinding = { code: 'MISSING_FILE' | 'UNKNOWN_FILE' | 'OTHER_BACKING_FILE'; fileName: string; message: string };

/**
 * Invariant 3: the record names no file that is not there, and forgets none that is. `expected` are files that an unfinished operation
 * has made, or is about to remove: they may be there or not.
 */
export function checkFiles(record: ForestRecord, found: readonly FoundFile[], expected: ReadonlySet<string>): FileFinding[] {
  const forest = new LayerForest(record.layers);
  const files = new Map(found.map((file) => [file.fileName, file]));
  const recorded = new Set(record.layers.map((layer) => layer.fileName));
  const findings = record.layers.flatMap(({ fileName, backingLayerId }): FileFinding[] => {
    const file = files.get(fileName);
    if (!file) return [{ code: 'MISSING_FILE', fileName, message: `${fileName} is recorded and is not there` }];
    const backing = backingLayerId === null ? null : forest.layer(backingLayerId).fileName;
    if (file.backingFileName === backing) return [];
    const message = `${fileName} is recorded over ${backing ?? 'nothing'} and is over ${file.backingFileName ?? 'nothing'}`;
    return [{ code: 'OTHER_BACKING_FILE', fileName, message }];
  });
  const unknown = found.filter(({ fileName }) => !recorded.has(fileName) && !expected.has(fileName));
  return [
    ...findings,
    ...unknown.map(({ fileName }): FileFinding => ({ code: 'UNKNOWN_FILE', fileName, message: `${fileName} is there and not recorded` })),
  ];
}
