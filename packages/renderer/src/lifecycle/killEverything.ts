import { endAllProcesses } from './ManagedProcess.js';
import { removeAllTemporary } from './temporaryPaths.js';

/**
 * Ends every render of this Node process at once and without waiting: kills all its processes,
 * refuses to start more, and removes its temporary files. For a host that is about to exit; a render is stopped by its signal.
 */
export function killEverything(): void {
  endAllProcesses();
  removeAllTemporary();
}
