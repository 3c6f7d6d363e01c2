import { killAllProcesses } from './ManagedProcess.js';
import { removeAllTemporary } from './temporaryPaths.js';

/**
 * Ends every render of this Node process at once and without waiting: kills all its processes and
 * removes its temporary files. For a host that is about to exit; a render is stopped by its signal.
 */
export function killEverything(): void {
  killAllProcesses();
  removeAllTemporary();
}
