import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RenderEvent } from '../events.js';
import {
  groupExists,
  isAlive,
  killGroup,
  killProcess,
  readProcessesNow,
  type ProcessStat,
} from '../lifecycle/processGroup.js';

/** A process that has survived its render. */
export interface TracedProcess {
  /** Its id. */
  pid: number;
  /** Its command line; empty if the system does not say. */
  command: string;
}

/** What a Traces object knows about processes. Survives JSON. */
export interface KnownProcesses {
  /** Process groups, by their leaders' ids. */
  groups: number[];
  /** Pids with their start times. */
  seen: [pid: number, startTime: string][];
}

/** Whether the system has a process table that can be read (/proc), as Linux does. */
export function hasProcessTable(): boolean {
  return existsSync('/proc/self/stat');
}

/**
 * Finds what renders leave behind: living processes, zombies, files. Processes are identified in four
 * ways, since each alone can miss some: the groups reported in events, descent from a process, the
 * start times of descendants seen before, and our folders in the command line. Without /proc, only
 * the groups are known.
 */
export class Traces {
  readonly #groups = new Set<number>();
  /** Start times by pid of every descendant that was seen. */
  readonly #seen = new Map<number, string>();

  /** Processes that existed before, such as a tool's helper, and do not belong to the renders. */
  readonly #earlier = startTimes(descendants(readProcessesNow(), process.pid));

  constructor(
    /** The folders that contain everything the renders write: TMPDIR and the output's folder. */
    readonly folders: readonly string[],
  ) {}

  /** Must receive every event of the renders. */
  readonly watch = (event: RenderEvent): void => {
    if (event.type === 'process' && event.state === 'started') this.watchGroup(event.pid);
  };

  /** Records a process group by its leader. */
  watchGroup(leader: number): void {
    this.#groups.add(leader);
  }

  /** Records all present descendants of a process, so that they are known once their parent is gone. */
  noteDescendants(ancestor = process.pid): void {
    for (const { pid, startTime } of descendants(readProcessesNow(), ancestor)) this.#seen.set(pid, startTime);
  }

  /** All that is known about the renders' processes, for another Traces that may outlive this one. */
  known(): KnownProcesses {
    return { groups: [...this.#groups], seen: [...this.#seen] };
  }

  /** Adds what another Traces knows. */
  learn({ groups, seen }: KnownProcesses): void {
    for (const group of groups) this.#groups.add(group);
    for (const [pid, startTime] of seen) this.#seen.set(pid, startTime);
  }

  /** The living processes of the renders. Read now. */
  survivors(): TracedProcess[] {
    if (!hasProcessTable()) {
      return [...this.#groups].filter(groupExists).map((pid) => ({ pid, command: '' }));
    }
    const all = readProcessesNow();
    const own = startTimes(descendants(all, process.pid));
    return all
      .filter((stat) => stat.pid !== process.pid && isAlive(stat))
      .filter(({ pid, startTime }) => this.#earlier.get(pid) !== startTime)
      .map((stat) => ({ stat, command: commandLine(stat.pid) }))
      .filter(
        ({ stat, command }) =>
          own.has(stat.pid) ||
          this.#groups.has(stat.group) ||
          this.#groups.has(stat.session) ||
          this.#seen.get(stat.pid) === stat.startTime ||
          this.folders.some((folder) => command.includes(folder)),
      )
      .map(({ stat, command }) => ({ pid: stat.pid, command }));
  }

  /** Pids of this process's descendants that have ended but have not been reaped. */
  zombies(): number[] {
    return descendants(readProcessesNow(), process.pid)
      .filter((stat) => !isAlive(stat))
      .map(({ pid }) => pid);
  }

  /** Paths of everything in the folders. */
  files(): string[] {
    return this.folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  }

  /**
   * Ends every survivor and forgets all processes, so that findings are not repeated, and because pids are
   * reused.
   */
  clear(): void {
    for (const { pid } of this.survivors()) {
      if (hasProcessTable()) killProcess(pid);
      else killGroup(pid);
    }
    this.#groups.clear();
    this.#seen.clear();
  }
}

/**
 * The process in a group that does the work: neither a helper that Chromium has started for itself
 * (`--type=`), nor a wrapper that only starts another process. `mark` must be in its command line.
 * Undefined if the system does not say, or if there is none.
 */
export function mainProcess(group: number, mark = ''): number | undefined {
  const members = groupMembers(group).filter(({ command }) => command.includes(mark) && !command.includes('--type='));
  return members.find(({ stat }) => !members.some((other) => other.stat.parent === stat.pid))?.stat.pid;
}

/** The browser process in this group that runs the page. */
export function rendererProcess(group: number): number | undefined {
  return groupMembers(group).find(({ command }) => command.includes('--type=renderer'))?.stat.pid;
}

function groupMembers(group: number): { stat: ProcessStat; command: string }[] {
  return readProcessesNow()
    .filter((stat) => isAlive(stat) && (stat.group === group || stat.session === group))
    .map((stat) => ({ stat, command: commandLine(stat.pid) }));
}

function descendants(all: readonly ProcessStat[], ancestor: number): ProcessStat[] {
  const children = all.filter(({ parent }) => parent === ancestor);
  return children.flatMap((child) => [child, ...descendants(all, child.pid)]);
}

function startTimes(stats: readonly ProcessStat[]): Map<number, string> {
  return new Map(stats.map(({ pid, startTime }) => [pid, startTime]));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
