import type { CommandBody, CommandResult, InventoryMachine } from '@coppice/protocol';

type MergeBody = Extract<CommandBody, { verb: 'merge-layers' }>;

/** What a pretended layer is told to hold: 64 KiB at its start. */
const SOME_DATA = Buffer.from([0, 0x80, 0x80, 4]).toString('base64');

/** Does to the pretended chain what merge-layers does: one file for the run, read by whoever read its top. */
export function mergeLayers(machine: InventoryMachine, body: MergeBody): CommandResult {
  const kept = body.chain[body.into];
  if (!kept) throw new Error(`the run of ${body.runLength} has no layer ${body.into}`);
  const disk = machine.disks.find((one) => one.target === body.target);
  if (disk) {
    const names = [...body.above, kept, ...body.chain.slice(body.runLength)].map((link) => link.fileName);
    disk.chain = names.flatMap((name) => disk.chain.filter((layer) => layer.fileName === name));
  }
  return { verb: body.verb, bytesMoved: 65_536, allocatedBytes: 3 << 20, virtualBytes: 1 << 30, dataMap: SOME_DATA };
}

/** Does to the pretended chain what flatten-layer does: nothing is between the head and what it is over. */
export function flattenLayer(machine: InventoryMachine, body: Extract<CommandBody, { verb: 'flatten-layer' }>): CommandResult {
  const disk = machine.disks.find((one) => one.target === body.target);
  const kept = new Set([...body.chain.slice(0, 1), ...body.chain.slice(body.downTo)].map((link) => link.fileName));
  if (disk) disk.chain = disk.chain.filter((layer) => kept.has(layer.fileName));
  return { verb: body.verb, bytesMoved: 65_536, allocatedBytes: 3 << 20 };
}
