import { describe, expect, it } from 'vitest';
import { assertTransition, isFinal, type Lifecycle } from './lifecycle.js';
import { LAYER_LIFECYCLE } from './layer.js';
import { OPERATION_LIFECYCLE } from './operation.js';
import { TEMPLATE_LIFECYCLE } from './template.js';
import { VIRTUAL_MACHINE_LIFECYCLE } from './virtual-machine.js';
import { VM_SNAPSHOT_LIFECYCLE } from './vm-snapshot.js';
import { VOLUME_LIFECYCLE } from './volume.js';
import { VOLUME_SNAPSHOT_LIFECYCLE } from './volume-snapshot.js';

function everyMove(lifecycle: Lifecycle<string>): [string, string][] {
  const states = Object.keys(lifecycle);
  return states.flatMap((from) => states.map((to): [string, string] => [from, to]));
}

const LIFECYCLES: [string, Lifecycle<string>][] = [
  ['VM snapshot', VM_SNAPSHOT_LIFECYCLE],
  ['layer', LAYER_LIFECYCLE],
  ['volume', VOLUME_LIFECYCLE],
  ['volume snapshot', VOLUME_SNAPSHOT_LIFECYCLE],
  ['operation', OPERATION_LIFECYCLE],
  ['template', TEMPLATE_LIFECYCLE],
  ['virtual machine', VIRTUAL_MACHINE_LIFECYCLE],
];

describe.each(LIFECYCLES)('the lifecycle of a %s', (_name, lifecycle) => {
  it.each(everyMove(lifecycle))('%s → %s is allowed only by the table', (from, to) => {
    const move = () => assertTransition(lifecycle, { subject: 'x', from, to });
    if (lifecycle[from]?.includes(to)) expect(move).not.toThrow();
    else expect(move).toThrow(`x: no transition from ${from} to ${to}`);
  });

  it('reaches an end from every state', () => {
    for (const start of Object.keys(lifecycle)) {
      const reached = new Set([start]);
      for (const state of reached) for (const next of lifecycle[state] ?? []) reached.add(next);
      expect([...reached].some((state) => isFinal(lifecycle, state))).toBe(true);
    }
  });
});
