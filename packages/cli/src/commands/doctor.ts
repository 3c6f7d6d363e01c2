import { examine } from '../doctor/examine.js';
import { plural } from '../format.js';
import type { OutputFlags, Terminal } from '../terminal.js';

export interface DoctorFlags extends OutputFlags {
  browser?: string;
  ffmpeg?: string;
}

const MARKS = { ok: 'ok  ', note: 'note', lacking: 'LACK' } as const;

/** `genlock doctor`: what is here to render with, and what to do about each lack. */
export async function doctor(flags: DoctorFlags, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const findings = await examine(flags, signal);
  const lacking = findings.filter(({ status }) => status === 'lacking');
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.flatMap(({ name, status, text, advice }) => {
    const indent = ' '.repeat(MARKS.ok.length + width + 4);
    return [`${MARKS[status]}  ${name.padEnd(width)}  ${text}`, ...(advice ? [`${indent}-> ${advice}`] : [])];
  });
  const verdict =
    lacking.length === 0
      ? 'ready to render'
      : `not ready: ${plural(lacking.length, 'thing')} lacking (${lacking.map(({ name }) => name).join(', ')})`;
  terminal.result([...lines, '', verdict], { type: 'doctor', ready: lacking.length === 0, findings });
  if (lacking.length > 0) process.exitCode = 1;
}
