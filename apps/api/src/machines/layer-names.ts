/** What the names of layer files say. Only names of Coppice's own form say anything; any other is somebody else's. */

/** `volume-<volume uuid>.<n>.qcow2`; the volume is the one that the file was made for, which a hand-over to another does not change. */
const OWN_NAME = /^volume-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9]{1,9})\.qcow2$/;

/** The volume that a layer's file is named after; null where Coppice did not name it. */
export function volumeOfFile(fileName: string): string | null {
  return OWN_NAME.exec(fileName)?.[1] ?? null;
}

/** The volume that discard-layers names a file by: the one in its name, which the agent compares, where there is one. */
export function namedVolume(layer: { volumeId: string; fileName: string }): string {
  return volumeOfFile(layer.fileName) ?? layer.volumeId;
}

/** The n of the volume's next layer, so that no name of these is used again: at least 1. */
export function nextNumber(volumeId: string, fileNames: readonly string[]): number {
  const numbers = fileNames.flatMap((fileName) => {
    const match = OWN_NAME.exec(fileName);
    return match?.[1] === volumeId ? [Number(match[2])] : [];
  });
  return Math.max(0, ...numbers) + 1;
}
