import { examine } from '../doctor/examine.js';
import { plural } from '../format.js';
import type { OutputFlags, Terminal } from '../terminal.js';

export interface DoctorFlags extends OutputFlags {
  browser?: string;
  ffmpeg?: string;
}

const MARKS = { ok: 'ok  ', note: 'note', lacking: 'FAIL' } as const;

/** `genlock doctor`: what a render needs, whether it is installed, and how to install what is missing. */
export async function doctor(flags: DoctorFlags, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const findings = await examine(flags, signal);
  const problems = findings.filter(({ status }) => status === 'lacking');
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.flatMap(({ name, status, text, advice }) => {
    const indent = ' '.repeat(MARKS.ok.length + width + 4);
    return [`${MARKS[status]}  ${name.padEnd(width)}  ${text}`, ...(advice ? [`${indent}-> ${advice}`] : [])];
  });
  const verdict =
    problems.length === 0
      ? 'ready to render'
      : `not ready: ${plural(problems.length, 'problem')} (${problems.map(({ name }) => name).join(', ')})`;
  terminal.result([...lines, '', verdict], { type: 'doctor', ready: problems.length === 0, findings });
  if (problems.length > 0) process.exitCode = 1;
}
