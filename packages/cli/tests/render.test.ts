import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
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
async function startLongRender(folder: string): Promise<{ child: ChildProcess; lines: string[] }> {
  const args = ['render', join(folder, 'page.html'), '-o', join(folder, 'out.mp4'), '--duration', '600', '--json'];
  const child = spawn(process.execPath, [launcher, ...args], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  let rest = '';
  const drawing = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop()!;
      lines.push(...parts);
      if (parts.some((line) => line.includes('"type":"frame"'))) resolve();
    });
  });
  await drawing;
  return { child, lines };
}

describe('genlock render', () => {
  test('makes a file with the exact count and rate, however the work is split', async () => {
    await using folder = await makeFolder({ 'page.html': PAGE });
    for (const concurrency of ['1', '2', '3', '7']) {
      const out = join(folder.path, `c${concurrency}.mp4`);
      const end = await genlock(['render', join(folder.path, 'page.html'), '-o', out, '--concurrency', concurrency]);
      assert.equal(end.code, 0, end.stderr);
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

  test('a still is the very frame of the video', async () => {
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

  test('--json ends with the report', async () => {
    await using folder = await makeFolder({ 'page.html': PAGE });
    const out = join(folder.path, 'out.mp4');
    const end = await genlock(['render', join(folder.path, 'page.html'), '-o', out, '--json', '--concurrency', '2']);
    const events = end.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; frames?: number });
    assert.equal(events.at(-1)!.type, 'report');
    assert.equal(events.at(-1)!.frames, 30);
    assert.equal(events.filter((event) => event.type === 'frame').length, 30);
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

describe('stopping genlock render', () => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    test(`${signal} stops everything and exits with ${code}`, async () => {
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
