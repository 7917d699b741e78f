import { expect, it } from 'vitest';
import { CommandProblem, HypervisorLost } from '../../failure.js';
import { errorFor } from './errors.js';

const FROM_QEMU = 10;
const OPERATION_TIMEOUT = 68;

it('a machine that libvirt holds for ever: busy, and the hint says how that is seen and where it is told what to do', () => {
  const message = 'Timed out during operation: cannot acquire state change lock';
  const error = errorFor({ code: OPERATION_TIMEOUT, domain: FROM_QEMU, message }, 'stop machine 1');
  expect(error).toBeInstanceOf(CommandProblem);
  expect(error).toMatchObject({ code: 'MACHINE_BUSY', retryable: true, hint: expect.stringContaining('starting up') });
  expect(error.message).toBe(`libvirt refused to stop machine 1: ${message}.`);
});

it('a connection that broke is no refusal: what became of the call is looked up', () => {
  const message = 'End of file while reading data: Input/output error';
  expect(errorFor({ code: 38, domain: 7, message }, 'stop machine 1')).toBeInstanceOf(HypervisorLost);
});
