import type { RenderEvent } from '../events.js';
import type { ProcessOptions } from './ManagedProcess.js';

/** Process options that emit a process's start and end, and report what survived it. */
export function processEvents(
  emit: (event: Extract<RenderEvent, { type: 'process' }>) => void,
  onLeftover: (what: string) => void,
  worker?: number,
): Pick<ProcessOptions, 'onStart' | 'onEnd'> {
  const own = worker === undefined ? {} : { worker };
  return {
    onStart: ({ pid, role }) => emit({ type: 'process', state: 'started', pid: pid!, role, ...own }),
    onEnd: ({ pid, role }, { signal, survivors, unseen }) => {
      for (const survivor of survivors) onLeftover(`process ${survivor} of the ${role}`);
      if (unseen) onLeftover(`what process ${pid} (${role}) may have started: /proc cannot be read (${unseen})`);
      if (pid !== undefined) emit({ type: 'process', state: 'ended', pid, role, how: signal ?? 'exit', ...own });
    },
  };
}
