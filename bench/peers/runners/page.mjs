// What every runner needs: its job, and the parts of a bench page.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * The job is JSON in the first argument. `step` is `prepare` (not timed: what a user of the tool does once
 * for a project) or `render`.
 * @typedef {{ step: 'prepare' | 'render', page: string, folder: string, output: string, seconds: number,
 *   frames: number, fps: number, width: number, height: number, concurrency: number, crf: number,
 *   preset: string, isCanvas: boolean, browser: string, ffmpeg: string, ffprobe: string }} Job
 */

/** @returns {Job} */
export function readJob() {
  return JSON.parse(process.argv[2]);
}

/** The page without the script that plays it by its own clock. */
function readPage(path) {
  return readFileSync(path, 'utf8').replace(/<script id="play">[\s\S]*?<\/script>/, '');
}

/** The page with a script that joins it to a tool in place of the one that plays it. */
export function pageWith(path, script) {
  return readPage(path).replace('</body>', () => `<script>${script}</script>\n</body>`);
}

/** The page taken apart, for tools that have a document of their own. */
export function pageParts(path) {
  const html = readPage(path);
  const inner = (name, text) => new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(text)?.[1] ?? '';
  const body = inner('body', html);
  return {
    style: inner('style', html),
    markup: body.replace(/<script>[\s\S]*<\/script>/, ''),
    script: inner('script', body),
  };
}

/** A program that starts the browser without some of the switches that a tool gives it. */
export function browserWithout(switches, browser, path) {
  const isUnwanted = switches.map((name) => `${name}|${name}=*`).join('|');
  writeFileSync(
    path,
    `#!/bin/bash
args=()
for arg in "$@"; do
  case "$arg" in
    ${isUnwanted}) ;;
    *) args+=("$arg") ;;
  esac
done
exec '${browser}' "\${args[@]}"
`,
  );
  chmodSync(path, 0o755);
  return path;
}
