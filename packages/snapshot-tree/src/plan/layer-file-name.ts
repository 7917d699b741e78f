/** The file name of a volume's n-th layer: a name carries no meaning beyond the volume, because a merge may change what a file means. */
export function layerFileName(volumeId: string, n: number): string {
  return `volume-${volumeId}.${n}.qcow2`;
}
