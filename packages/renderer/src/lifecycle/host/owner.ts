import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { attempt } from '../../unknowns.js';
import { readStat, type ProcessStat } from '../processGroup.js';

/** Environment variable of every process that a host starts. It holds the token of the host directory. */
export const TOKEN_VARIABLE = 'GENLOCK_HOST';

/** Who a host directory belongs to: one Node process on one machine. */
export interface Owner {
  /** Identifies one host directory. */
  token: string;
  pid: number;
  /** Together with the pid, identifies the process until the machine restarts. Absent without /proc. */
  startTime?: string;
  machine: string;
  /** Changes with every start of the machine. */
  boot?: string;
  /** Pids are only valid within their namespace, and containers may share a folder. */
  pidNamespace?: string;
}

/** Whether a value read from a file is a valid owner. */
export function isOwner(value: unknown): value is Owner {
  if (typeof value !== 'object' || value === null) return false;
  const { token, pid, machine, ...rest } = value as Record<keyof Owner, unknown>;
  const optional = [rest.startTime, rest.boot, rest.pidNamespace];
  return (
    [token, machine].every((text) => typeof text === 'string' && text !== '') &&
    Number.isSafeInteger(pid) &&
    (pid as number) > 0 &&
    optional.every((text) => text === undefined || typeof text === 'string')
  );
}

/** This process as an owner, with a new token. */
export function thisOwner(): Owner {
  const startTime = attempt(() => readStat(process.pid))?.startTime;
  return { token: randomUUID(), pid: process.pid, ...(startTime === undefined ? {} : { startTime }), ...place() };
}

/** The machine, boot and namespace in which this process runs. */
function place(): Omit<Owner, 'token' | 'pid' | 'startTime'> {
  const boot = attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim());
  const pidNamespace = attempt(() => readlinkSync('/proc/self/ns/pid'));
  const machineId = attempt(() => readFileSync('/etc/machine-id', 'latin1').trim()) ?? '';
  return {
    machine: `${hostname()} ${machineId}`.trim(),
    ...(boot === undefined ? {} : { boot }),
    ...(pidNamespace === undefined ? {} : { pidNamespace }),
  };
}

/**
 * Whether the owner has certainly ended. False in case of doubt, such as on another machine or in another
 * container, whose processes cannot be seen from here.
 */
export function isGone(owner: Owner): boolean {
  const here = place();
  if (owner.machine !== here.machine) return false;
  if (owner.boot !== here.boot) return owner.boot !== undefined && here.boot !== undefined;
  if (owner.pidNamespace !== here.pidNamespace) return false;
  let stat: ProcessStat | undefined;
  try {
    stat = readStat(owner.pid);
  } catch {
    return false;
  }
  if (owner.startTime !== undefined) return stat?.startTime !== owner.startTime || stat.state === 'Z';
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
