import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { isLong, LONG } from '../../renderer/tests/support/extent.js';
import { genlock, launcher, listing, makeFolder } from './helpers.js';

const run = promisify(execFile);
const PAGE = `<!doctype html>
<script type="application/genlock+json">{"width":160,"height":90,"fps":"30000/1001","durationInSeconds":1}</script>
<style>body { margin: 0; background: #204060 } #box { width: 20px; height: 20px; background: gold; animation: go 1s linear }
@keyframes go { to { transform: translateX(140px) } }</style>
<div id="box"></div>`;

async function probe(path: string): Promise<Record<string, string>> {
  const entries = 'stream=nb_read_packets,r_frame_rate,avg_frame_rate,width,height,start_pts,codec_name,pix_fmt';
  const args = ['-v', 'error', '-count_packets', '-show_entries', entries, '-of', 'json', path];
  const { stdout } = await run('ffprobe', args);
  return (JSON.parse(stdout) as { streams: Record<string, string>[] }).streams[0]!;
}

/** Processes whose command line names a folder: the browsers and encoders of a render in it. */
function processesIn(folder: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(folder);
    } catch {
      return false;
    }
  });
}

/** Starts a long render whose events come as JSON lines; resolves when frames are being drawn. */
async function startLongRender(
  folder: string,
  ...flags: string[]
): Promise<{ child: ChildProcess; lines: string[]; until: (type: string) => Promise<void> }> {
  const length = ['--duration', '600', '--json'];
  const args = ['render', join(folder, 'page.html'), '-o', join(folder, 'out.mp4'), ...length, ...flags];
  const child = spawn(process.execPath, [launcher, ...args], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop()!;
    lines.push(...parts);
  });
  /** Resolves at the next event of a type. */
  const until = async (type: string) => {
    const told = lines.length;
    while (!lines.slice(told).some((line) => line.includes(`"type":"${type}"`))) await once(child.stdout, 'data');
  };
  await until('frame');
  return { child, lines, until };
}

describe('genlock render', () => {
  test('makes a file with the exact count and rate, however the work is split; --json ends with the report', async () => {
    await using folder = await makeFolder({ 'page.html': PAGE });
    for (const concurrency of isLong ? ['1', '2', '3', '7'] : ['3']) {
      const out = join(folder.path, `c${concurrency}.mp4`);
      const end = await genlock([
        'render',
        join(folder.path, 'page.html'),
        '-o',
        out,
        '--json',
        '--concurrency',
        concurrency,
      ]);
      assert.equal(end.code, 0, end.stderr);
      const events = end.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { type: string; frames?: number });
      assert.equal(events.at(-1)!.type, 'report');
      assert.equal(events.at(-1)!.frames, 30);
      assert.equal(events.filter((event) => event.type === 'frame').length, 30);
      const video = await probe(out);
      assert.deepEqual(
        [video['nb_read_packets'], video['r_frame_rate'], video['avg_frame_rate'], video['start_pts']],
        ['30', '30000/1001', '30000/1001', 0],
      );
    }
  });

  test('a range of frames holds both its ends', async () => {
    await using folder = await makeFolder({ 'page.html': PAGE });
    const page = join(folder.path, 'page.html');
    const hashes = async (name: string, ...flags: string[]) => {
      const list = join(folder.path, `${name}.txt`);
      const end = await genlock([
        'render',
        page,
        '-o',
        join(folder.path, `${name}.mkv`),
        '--lossless',
        '--frame-hashes',
        list,
        ...flags,
      ]);
      assert.equal(end.code, 0, end.stderr);
      return readFileSync(list, 'utf8').trimEnd().split('\n');
    };
    const whole = await hashes('whole', '--concurrency', '1');
    assert.equal(whole.length, 30);
    assert.deepEqual(await hashes('range', '--frames', '11-20', '--concurrency', '2'), whole.slice(11, 21));
    assert.equal((await probe(join(folder.path, 'range.mkv')))['nb_read_packets'], '10');
  });

  test('a still is the very frame of the video', LONG, async () => {
    await using folder = await makeFolder({ 'page.html': PAGE });
    const page = join(folder.path, 'page.html');
    const video = join(folder.path, 'v.mkv');
    assert.equal((await genlock(['render', page, '-o', video, '--lossless'])).code, 0);
    const still = join(folder.path, 'f.png');
    const end = await genlock(['still', page, '--frame', '17', '-o', still]);
    assert.equal(end.code, 0, end.stderr);
    const hash = async (...input: string[]) =>
      (await run('ffmpeg', ['-v', 'error', ...input, '-pix_fmt', 'rgb24', '-f', 'hash', '-'])).stdout;
    assert.equal(
      await hash('-i', still),
      await hash('-i', video, '-vf', String.raw`select=eq(n\,17)`, '-frames:v', '1'),
    );
  });

  test('a page that throws fails with its place, exit code 1, and nothing is written', async () => {
    const page = `<!doctype html>\n<script>\nlet n = 0;\nrequestAnimationFrame(function draw() {\n  if (n++ === 4) throw new Error('no good');\n  requestAnimationFrame(draw);\n});\n</script>`;
    await using folder = await makeFolder({ 'page.html': page });
    const before = await listing(folder.path);
    const flags = ['--width', '64', '--height', '64', '--fps', '30', '--duration', '1'];
    const end = await genlock(
      ['render', join(folder.path, 'page.html'), '-o', join(folder.path, 'out.mp4'), ...flags],
      {
        env: { TMPDIR: folder.path },
      },
    );
    assert.equal(end.code, 1);
    assert.match(end.stderr, /worker \d, frame 4/);
    assert.match(end.stderr, /no good/);
    assert.match(end.stderr, /page\.html:5:/);
    assert.deepEqual(await listing(folder.path), before);
  });
});

describe('clause 14: stopping genlock render', () => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    // The fault tests have the other one every time.
    test(`${signal} stops everything and exits with ${code}`, signal === 'SIGINT' ? {} : LONG, async () => {
      await using folder = await makeFolder({ 'page.html': PAGE });
      const { child, lines } = await startLongRender(folder.path);
      child.kill(signal);
      const [exitCode] = (await once(child, 'close')) as [number];
      assert.equal(exitCode, code);
      assert.deepEqual(await listing(folder.path), ['page.html']);
      assert.deepEqual(processesIn(folder.path), []);
      const stopped = lines.map((line) => JSON.parse(line) as { type: string; receipt?: { leftovers: string[] } });
      assert.deepEqual(stopped.find((event) => event.type === 'stopped')?.receipt?.leftovers, []);
    });
  }
});

interface Line {
  type: string;
  role?: string;
  worker?: number;
  pid?: number;
  name?: string;
  attempt?: number;
  receipt?: { reason: string; retries: unknown[]; leftovers: string[] };
  error?: { name: string };
}

describe('the limits of genlock render', () => {
  test('--timeout ends it with exit code 1, the reason, and the receipt in two lines', async () => {
    await using folder = await makeFolder({ 'page.html': PAGE });
    const flags = ['--duration', '600', '--timeout', '2500ms', '--concurrency', '2'];
    const end = await genlock(
      ['render', join(folder.path, 'page.html'), '-o', join(folder.path, 'out.mp4'), ...flags],
      { env: { TMPDIR: folder.path } },
    );
    assert.equal(end.code, 1);
    assert.match(end.stderr, /^error: /m, end.stderr);
    const [error, why, what, ...more] = end.stderr.slice(end.stderr.indexOf('error: ')).trimEnd().split('\n');
    assert.match(error!, /^error: the render was not done after 2\.5 s \(\d+ of .* frames are rendered; .*--timeout/);
    assert.equal(why, 'stopped because the time for the whole render was up');
    assert.match(what!, /^worker 0 was at .*, worker 1 was at .*; ended: .*; nothing was left after \d+ ms$/);
    assert.deepEqual(more, []);
    assert.deepEqual(await listing(folder.path), ['page.html']);
    assert.deepEqual(processesIn(folder.path), []);
  });

  test('--deadline names the phase that may not wait so long', LONG, async () => {
    await using folder = await makeFolder({ 'page.html': '<script>for (;;);</script>' });
    const page = join(folder.path, 'page.html');
    const flags = ['--width', '64', '--height', '64', '--fps', '30', '--deadline', 'load=2'];
    const end = await genlock(['still', page, '--frame', '0', '-o', join(folder.path, 'f.png'), ...flags]);
    assert.equal(end.code, 1);
    assert.match(end.stderr, /\(load\): no progress for 2000 ms/);
    assert.match(
      end.stderr,
      /\nstopped because worker 0 stalled first \(load\)\nworker 0 failed at load; ended: 1 browser;/,
    );
  });

  test('--min-free-disk that is not there: nothing starts', async () => {
    await using folder = await makeFolder({ 'page.html': PAGE });
    const args = ['render', join(folder.path, 'page.html'), '-o', join(folder.path, 'out.mp4'), '--json'];
    const end = await genlock([...args, '--min-free-disk', '1000000000']);
    assert.equal(end.code, 1);
    const lines = end.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    assert.deepEqual([lines.at(-1)!.type, lines.at(-1)!.name], ['error', 'BudgetError']);
    assert.equal(lines.find(({ type }) => type === 'stopped')!.receipt!.reason, 'budget');
    assert.ok(lines.every(({ type }) => type !== 'process'));
  });

  test('--max-memory ends it when a worker uses more', async () => {
    await using folder = await makeFolder({ 'page.html': PAGE });
    const args = ['render', join(folder.path, 'page.html'), '-o', join(folder.path, 'out.mp4'), '--duration', '600'];
    const end = await genlock([...args, '--max-memory', '20']);
    assert.equal(end.code, 1);
    assert.match(end.stderr, /its processes use \d+ MB of memory, and may use 20 MB.*--max-memory/);
    assert.match(end.stderr, /\nstopped because worker \d exceeded its budget/);
  });

  test('--retries begins the chunk of a killed browser again, and says so', LONG, async () => {
    await using folder = await makeFolder({ 'page.html': PAGE });
    const { child, lines, until } = await startLongRender(folder.path, '--retries', '1', '--concurrency', '2');
    const events = () => lines.map((line) => JSON.parse(line) as Line);
    const browser = () => events().findLast(({ role, worker, pid }) => role === 'browser' && worker === 0 && pid)!.pid!;
    process.kill(browser(), 'SIGKILL');
    await until('retry');
    const retry = events().find(({ type }) => type === 'retry')!;
    assert.deepEqual([retry.worker, retry.attempt, retry.error!.name], [0, 1, 'BrowserCrashError']);
    await until('frame');
    child.kill('SIGINT');
    const [exitCode] = (await once(child, 'close')) as [number];
    assert.equal(exitCode, 130);
    const { receipt } = events().find(({ type }) => type === 'stopped')!;
    assert.deepEqual([receipt!.reason, receipt!.retries.length, receipt!.leftovers], ['user', 1, []]);
    assert.deepEqual(await listing(folder.path), ['page.html']);
  });
});
