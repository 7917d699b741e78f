import type { CommandResult } from '@coppice/protocol';
import { type FileSource, readDefinition, withSources } from './domain-xml.js';

/** A machine's definition as results carry it. */
export type MachineDefinition = Extract<CommandResult, { verb: 'switch-heads' }>['definition'];

/** What describes a machine: its persistent definition, and its live one as a migration would carry it; null while it is off. */
export interface DefinitionXmls {
  readonly inactiveXml: string;
  readonly liveXml: string | null;
}

/** The definition for a result, without explicit chains, and with `sources` by target in place of those that it names. */
export function machineDefinitionOf(
  { inactiveXml, liveXml }: DefinitionXmls,
  sources: ReadonlyMap<string, FileSource> = new Map(),
): MachineDefinition {
  const { vcpus, memoryBytes, machineType, firmware, disks } = readDefinition(liveXml ?? inactiveXml);
  return {
    vcpus,
    memoryBytes,
    machineType,
    firmware,
    disks: disks.map(({ target }) => target),
    inactiveXml: withSources(inactiveXml, onlyKnown(sources, inactiveXml)),
    liveXml: liveXml === null ? null : withSources(liveXml, onlyKnown(sources, liveXml)),
  };
}

/** A disk that was attached to the running machine only is not in its persistent definition. */
function onlyKnown(sources: ReadonlyMap<string, FileSource>, xml: string): Map<string, FileSource> {
  const known = new Set(readDefinition(xml).disks.map(({ target }) => target));
  return new Map([...sources].filter(([target]) => known.has(target)));
}
