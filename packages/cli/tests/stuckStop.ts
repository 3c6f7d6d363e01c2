// A command whose stop never ends, for signals.test.ts: it ignores the abort and goes on sleeping.
import { writeSync } from 'node:fs';
import { runCommand } from '@genlock/renderer/internal';
import { InterruptedError, Interruption } from '../src/signals.js';

const say = (line: string) => writeSync(1, `${line}\n`);

using interruption = new Interruption();
interruption.beforeKill(() => say('restored'));
interruption.signal.addEventListener('abort', () => {
  const reason: unknown = interruption.signal.reason;
  say(`aborted by ${reason instanceof InterruptedError ? reason.signal : String(reason)}`);
});
await runCommand('sleep', ['60'], { onStart: ({ pid }) => say(`sleeping ${pid}`) });
