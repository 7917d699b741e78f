import { child, children, domainOf, parse, print } from './xml-nodes.js';

/** What a machine is to have. Null: as it is. */
export interface Shape {
  readonly vcpus: number | null;
  readonly memoryBytes: number | null;
}

/** The definition cannot have that shape; the message says why. */
export class ShapeProblem extends Error {
  override readonly name = 'ShapeProblem';
}

/** The definition with another number of vCPUs, all of them present from the start, and another memory, all of it given. Throws ShapeProblem. */
export function reshaped(xml: string, { vcpus, memoryBytes }: Shape): string {
  const document = parse(xml);
  const domain = domainOf(document);
  const cpu = child(domain, 'cpu');
  if (cpu !== undefined && child(cpu, 'numa') !== undefined)
    throw new ShapeProblem('its memory and vCPUs are laid out in NUMA cells, which have to be resized one by one');
  if (vcpus !== null) {
    const topology = cpu === undefined ? undefined : child(cpu, 'topology');
    if (topology !== undefined) topology.setAttribute('sockets', String(socketsFor(vcpus, topology)));
    const element = child(domain, 'vcpu');
    if (element === undefined) throw new Error('the definition has no vcpu');
    element.textContent = String(vcpus);
    element.removeAttribute('current');
    // The list names each vCPU that was there; without it libvirt makes a new one.
    for (const list of children(domain, 'vcpus')) domain.removeChild(list);
  }
  if (memoryBytes !== null) {
    for (const name of ['memory', 'currentMemory']) {
      const element = child(domain, name);
      element?.setAttribute('unit', 'KiB');
      if (element !== undefined) element.textContent = String(Math.ceil(memoryBytes / 1024));
    }
  }
  return print(document);
}

/** libvirt refuses a topology that does not multiply to the number of vCPUs. */
function socketsFor(vcpus: number, topology: { getAttribute(name: string): string | null }): number {
  const perSocket = ['dies', 'cores', 'threads'].reduce((product, name) => product * Number(topology.getAttribute(name) ?? 1), 1);
  if (vcpus % perSocket !== 0) throw new ShapeProblem(`its sockets have ${perSocket} vCPUs each, of which ${vcpus} is no multiple`);
  return vcpus / perSocket;
}
