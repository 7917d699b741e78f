import { withSources } from '../../definition/domain-xml.js';
import { CommandProblem } from '../../failure.js';
import { told } from '../context.js';
import type { MachineView } from '../machine-view.js';
import type { Move } from './migrate-machine.js';
import { unreachable } from './require-migratable.js';

/**
 * Moves a machine that is off: defined there, then undefined here. In between both know it and neither starts it: no command of it goes to the
 * other host before this one has ended. Repeated, it defines the same there again.
 */
export async function moveStopped({ machineUuid, destination, context }: Move, { inactiveXml }: MachineView): Promise<void> {
  const { machines, migrations } = context.hypervisor;
  await told(context, 'MIGRATE_MACHINE', async () => {
    await migrations.defineAt(destination.uri, withSources(inactiveXml, new Map()));
    context.crash('migrate-machine/defined-there');
    const there = await migrations.lookAt(destination.uri, machineUuid);
    if (!there.isReached) throw unreachable(destination.uri, there.problem);
    if (there.machine === null || there.machine.inactiveXml === null) {
      throw new CommandProblem({
        code: 'INTERNAL',
        message: `Machine ${machineUuid} was defined at ${destination.uri} and is not there. It is here as before.`,
      });
    }
    await machines.undefine(machineUuid);
    context.crash('migrate-machine/undefined-here');
  });
}
