import { endAllProcesses } from './ManagedProcess.js';
import { removeAllTemporary } from './temporaryPaths.js';

/**
 * Ends every render of this Node process at once, without waiting: kills all processes, refuses to start more, and
 * removes temporary files. For a program that is about to exit. To stop a single render, abort its signal.
 */
export function killEverything(): void {
  endAllProcesses();
  removeAllTemporary();
}
