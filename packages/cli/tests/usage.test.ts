import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startSelfSigned } from '../../renderer/tests/support/selfSigned.js';
import { genlock, listing, makeFolder, startCommandLines } from './helpers.js';

const DECLARATION = '{"width":64,"height":64,"fps":30,"durationInSeconds":2}';
const page = (declaration: string) =>
  `<!doctype html><script type="application/genlock+json">${declaration}</script><p>page</p>`;

let work: Awaited<ReturnType<typeof makeFolder>>;
let bin: Awaited<ReturnType<typeof makeFolder>>;
let server: Server;
let origin: string;
let selfSigned: Awaited<ReturnType<typeof startSelfSigned>>;
let commandLines: ReturnType<typeof startCommandLines>;

before(async () => {
  work = await makeFolder({
    'page.html': page(DECLARATION),
    '.page.html': page(DECLARATION),
    'bare.html': '<!doctype html><p>nothing declared</p>',
    'odd.html': page('{"width":63,"height":64,"fps":30,"durationInSeconds":2}'),
    'broken.html': page('{"width":64,'),
    'wrong.html': page('{"width":"wide"}'),
    'notes.txt': 'just notes',
    'picture.png': '\u0089PNG\u0000\u0001',
    'there.mp4': 'sentinel',
    'list.json': '[1,2]',
    'cut.json': '{"a":',
    'page.mp4': page(DECLARATION),
  });
  await mkdir(join(work.path, 'empty'));
  await mkdir(join(work.path, 'folder.mp4'));
  await mkdir(join(work.path, 'closed'));
  await chmod(join(work.path, 'closed'), 0o555);
  await symlink('page.mp4', join(work.path, 'alias.mp4'));
  await link(join(work.path, 'page.mp4'), join(work.path, 'same.mp4'));
  await symlink('nowhere', join(work.path, 'dangling.mp4'));
  await chmod(work.path, 0o777);
  // These stand in for the tools, and would tell that they were started.
  bin = await makeFolder();
  await chmod(bin.path, 0o777);
  for (const tool of ['browser', 'ffprobe']) {
    await writeFile(join(bin.path, tool), `#!/bin/sh\ntouch ${bin.path}/started-${tool}\nexit 1\n`, { mode: 0o755 });
  }
  const poorFfmpeg = `#!/bin/sh\ncase "$*" in *encoders*) echo " V..... libx264  H.264";; *) echo "ffmpeg version 1.2 x";; esac\n`;
  await writeFile(join(bin.path, 'ffmpeg'), poorFfmpeg, { mode: 0o755 });

  server = createServer((request, response) => {
    const path = request.url ?? '';
    if (path.startsWith('/hang')) return;
    if (path.startsWith('/missing')) response.statusCode = 404;
    if (path.startsWith('/broken')) response.statusCode = 500;
    response.setHeader('Content-Type', path.startsWith('/text') ? 'text/plain' : 'text/html');
    response.end(page(DECLARATION));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  selfSigned = await startSelfSigned((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<p>nothing declared');
  });
  commandLines = startCommandLines(surroundings());
});

after(async () => {
  await commandLines[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
  await selfSigned[Symbol.asyncDispose]();
  await work[Symbol.asyncDispose]();
  await bin[Symbol.asyncDispose]();
});

const OUT = ['-o', 'out.mp4'];

/** The arguments of `genlock` (or what makes them), and what stderr must say. */
const CASES: Record<string, { args: string[] | (() => string[]); says: RegExp[] }> = {
  'no command': { args: [], says: [/Usage: genlock/] },
  'unknown command': { args: ['rendr'], says: [/unknown command 'rendr'/] },
  'no page': { args: ['render', ...OUT], says: [/no page given/] },
  'no -o': { args: ['render', 'page.html'], says: [/no output given: -o/] },
  'unknown flag': {
    args: ['render', 'page.html', ...OUT, '--widht', '3'],
    says: [/unknown option '--widht'/, /--width/],
  },
  'two pages': { args: ['render', 'page.html', 'bare.html', ...OUT], says: [/too many arguments/] },
  'flag without a value': { args: ['render', 'page.html', '-o'], says: [/argument missing/] },

  'no such file': { args: ['render', 'gone.html', ...OUT], says: [/there is no file or folder .*gone\.html/] },
  'not a page': { args: ['render', 'notes.txt', ...OUT], says: [/notes\.txt is not a page/] },
  'a picture': { args: ['render', 'picture.png', ...OUT], says: [/picture\.png is not a page/] },
  'folder without index.html': { args: ['render', 'empty', ...OUT], says: [/empty holds no index\.html/] },
  'empty page name': { args: ['render', '', ...OUT], says: [/the page has no name/] },
  'unknown scheme': { args: ['render', 'ftp://host/x', ...OUT], says: [/ftp: is not one of http:/] },
  'host without scheme': { args: ['render', 'example.com/x', ...OUT], says: [/begins with http:/] },
  'host and port without scheme': {
    args: ['render', 'localhost:3000', ...OUT],
    says: [/did you mean http:\/\/localhost:3000\?/],
  },
  refused: { args: ['render', 'http://127.0.0.1:9/', ...OUT], says: [/cannot open http:\/\/127\.0\.0\.1:9\/: /] },
  '404': { args: () => ['render', `${origin}/missing`, ...OUT], says: [/\/missing: the server answers 404/] },
  '500': { args: () => ['render', `${origin}/broken`, ...OUT], says: [/\/broken: the server answers 500/] },
  'not HTML': {
    args: () => ['render', `${origin}/text`, ...OUT],
    says: [/\/text is not a page: its type is text\/plain/],
  },
  'times out': {
    args: () => ['render', `${origin}/hang`, ...OUT, '--deadline', 'load=0.2'],
    says: [/\/hang did not answer in full within 0\.2 s/],
  },
  'data: that is no page': { args: ['render', 'data:text/plain,x', ...OUT], says: [/is not a page/] },
  'broken declaration': { args: ['render', 'broken.html', ...OUT], says: [/broken\.html is not valid JSON/] },
  'wrong declaration': { args: ['render', 'wrong.html', ...OUT], says: [/wrong\.html.*width must be a whole number/] },
  'root elsewhere': {
    args: ['render', 'page.html', ...OUT, '--root', 'empty'],
    says: [/is not in the folder .*empty/],
  },
  'a hidden page': { args: ['render', '.page.html', ...OUT], says: [/\.page\.html is hidden .*--allow-dotfiles/] },
  'https that nobody vouches for': {
    args: () => ['render', selfSigned.url, ...OUT],
    says: [/certificate is not trusted.*--ignore-https-errors/],
  },
  'https that nobody vouches for, accepted': {
    args: () => ['render', selfSigned.url, ...OUT, '--ignore-https-errors'],
    says: [/duration is missing/],
  },
  'an address with a password': {
    args: () => ['render', `${origin.replace('//', '//user:secret@')}/missing`, ...OUT],
    says: [/http:\/\/\*\*\*@127\.0\.0\.1:\d+\/missing: the server answers 404/],
  },
  'root is gone': { args: ['render', 'page.html', ...OUT, '--root', 'gone'], says: [/no folder .*gone/] },
  'root of an address': { args: () => ['render', origin, ...OUT, '--root', '.'], says: [/--root goes with a file/] },

  'nothing declared or given': {
    args: ['render', 'bare.html', ...OUT],
    says: [
      /width is missing: give --width 1920, or declare it .*genlock\+json/,
      /height is missing/,
      /fps is missing/,
      /duration is missing: give --duration/,
    ],
  },
  'zero width': { args: ['render', 'page.html', ...OUT, '--width', '0'], says: [/--width must be .*\(given: 0\)/] },
  'negative height': { args: ['render', 'page.html', ...OUT, '--height', '-4'], says: [/--height must be .*-4/] },
  NaN: { args: ['render', 'page.html', ...OUT, '--width', 'NaN'], says: [/--width must be .*"NaN"/] },
  'trailing garbage': { args: ['render', 'page.html', ...OUT, '--width', '12px'], says: [/--width must be .*"12px"/] },
  'fraction of a pixel': {
    args: ['render', 'page.html', ...OUT, '--width', '64.5'],
    says: [/--width must be a whole/],
  },
  'odd with yuv420p': { args: ['render', 'page.html', ...OUT, '--width', '63'], says: [/--width is 63, which is odd/] },
  'odd, declared': {
    args: ['render', 'odd.html', ...OUT],
    says: [/width \(declared by the page; --width.*is 63.*odd/],
  },
  huge: { args: ['render', 'page.html', ...OUT, '--width', '100000'], says: [/--width must be .*100000/] },
  'huge by scale': {
    args: ['render', 'page.html', ...OUT, '--width', '9000', '--scale', '2'],
    says: [/at most 16384/],
  },
  'zero fps': { args: ['render', 'page.html', ...OUT, '--fps', '0'], says: [/--fps must be a rate above 0/] },
  'negative fps': { args: ['render', 'page.html', ...OUT, '--fps', '-30'], says: [/--fps must be a rate/] },
  'fps with garbage': { args: ['render', 'page.html', ...OUT, '--fps', '30fps'], says: [/--fps must be a rate/] },
  'zero duration': { args: ['render', 'page.html', ...OUT, '--duration', '0'], says: [/--duration must be .*above 0/] },
  'endless duration': { args: ['render', 'page.html', ...OUT, '--duration', 'Infinity'], says: [/--duration must be/] },
  'range outside': {
    args: ['render', 'page.html', ...OUT, '--frames', '50-60'],
    says: [/frames 50-60.*has 60: 0 to 59/],
  },
  'range reversed': { args: ['render', 'page.html', ...OUT, '--frames', '9-3'], says: [/--frames is reversed/] },
  'range of words': { args: ['render', 'page.html', ...OUT, '--frames', 'a-b'], says: [/--frames must be a range/] },
  'no workers': { args: ['render', 'page.html', ...OUT, '--concurrency', '0'], says: [/--concurrency must be/] },
  'half a worker': { args: ['render', 'page.html', ...OUT, '--concurrency', '1.5'], says: [/--concurrency must be/] },
  'unknown mode': { args: ['render', 'page.html', ...OUT, '--mode', 'fast'], says: [/--mode must be/] },
  'unknown codec': { args: ['render', 'page.html', ...OUT, '--codec', 'divx'], says: [/--codec divx is not known/] },
  'codec and container': {
    args: ['render', 'page.html', '-o', 'o.webm', '--codec', 'h264'],
    says: [/--codec h264 does not/],
  },
  'crf too high': { args: ['render', 'page.html', ...OUT, '--crf', '99'], says: [/--crf must be from 0 to 51/] },
  'crf and bitrate': {
    args: ['render', 'page.html', ...OUT, '--crf', '9', '--bitrate', '8M'],
    says: [/--crf and --bitrate exclude each other/],
  },
  'unknown pixel format': {
    args: ['render', 'page.html', ...OUT, '--pixel-format', 'rgb'],
    says: [/--pixel-format rgb/],
  },
  'lossless with codec': {
    args: ['render', 'page.html', ...OUT, '--lossless', '--codec', 'h264'],
    says: [/--lossless decides --codec itself/],
  },
  'encoder not in this ffmpeg': {
    args: () => ['render', 'page.html', ...OUT, '--codec', 'av1', '--ffmpeg', join(bin.path, 'ffmpeg')],
    says: [/the encoder libsvtav1 is not in this ffmpeg.*version 1\.2/],
  },
  'bad seed': { args: ['render', 'page.html', ...OUT, '--seed', 'x'], says: [/--seed must be a whole number/] },
  'bad timeout': {
    args: ['render', 'page.html', ...OUT, '--timeout', '0'],
    says: [/--timeout must be a time above 0/],
  },
  'timeout that is no time': { args: ['render', 'page.html', ...OUT, '--timeout', '5x'], says: [/given: 5x/] },
  'bad deadline': {
    args: ['render', 'page.html', ...OUT, '--deadline', 'capture=soon'],
    says: [/--deadline capture= must be a time/, /500ms/],
  },
  'deadline of no phase': {
    args: ['render', 'page.html', ...OUT, '--deadline', 'mixing=5'],
    says: [/--deadline must be one of launch, load,/, /mixing=5/],
  },
  'bad retries': {
    args: ['render', 'page.html', ...OUT, '--retries', '11'],
    says: [/--retries must be .* from 0 to 10/],
  },
  'bad memory': { args: ['render', 'page.html', ...OUT, '--max-memory', '0'], says: [/--max-memory must be/] },
  'bad disk': { args: ['render', 'page.html', ...OUT, '--min-free-disk', 'all'], says: [/--min-free-disk must be/] },

  'props that are not JSON': {
    args: ['render', 'page.html', ...OUT, '--props', '{a'],
    says: [/--props does not hold JSON/],
  },
  'props that are a list': {
    args: ['render', 'page.html', ...OUT, '--props', '[1]'],
    says: [/--props must be a JSON object/],
  },
  'props file with a list': {
    args: ['render', 'page.html', ...OUT, '--props', 'list.json'],
    says: [/list\.json must be a/],
  },
  'props file broken': {
    args: ['render', 'page.html', ...OUT, '--props', 'cut.json'],
    says: [/cut\.json does not hold/],
  },
  'props file gone': {
    args: ['render', 'page.html', ...OUT, '--props', 'gone.json'],
    says: [/gone\.json.*no such file/],
  },

  'unknown extension': { args: ['render', 'page.html', '-o', 'out.gif'], says: [/must end in one of \.mp4/] },
  'no extension': { args: ['render', 'page.html', '-o', 'out'], says: [/must end in one of \.mp4/] },
  'empty output': { args: ['render', 'page.html', '-o', ''], says: [/the output has no name/] },
  'output folder missing': {
    args: ['render', 'page.html', '-o', 'no/out.mp4'],
    says: [/does not exist: mkdir -p .*no/],
  },
  'output folder is a file': {
    args: ['render', 'page.html', '-o', 'notes.txt/o.mp4'],
    says: [/notes\.txt is not a folder/],
  },
  'output is a folder': { args: ['render', 'page.html', '-o', 'folder.mp4'], says: [/folder\.mp4 is a folder/] },
  'output exists': {
    args: ['render', 'page.html', '-o', 'there.mp4'],
    says: [/there\.mp4 exists already.*--overwrite/],
  },
  'output is a dangling link': { args: ['render', 'page.html', '-o', 'dangling.mp4'], says: [/exists already/] },
  'output equals input': {
    args: ['render', 'page.mp4', '-o', 'page.mp4', '--overwrite'],
    says: [/same file as the page/],
  },
  'output links to input': {
    args: ['render', 'page.mp4', '-o', 'alias.mp4', '--overwrite'],
    says: [/same file as the page/],
  },
  'output hard linked to input': {
    args: ['render', 'page.mp4', '-o', 'same.mp4', '--overwrite'],
    says: [/same file as the page/],
  },
  'output equals props': {
    args: ['render', 'page.html', '-o', './cut.json', '--props', 'cut.json'],
    says: [/must end in/, /cut\.json does not hold JSON/],
  },
  'hashes exist': {
    args: ['render', 'page.html', ...OUT, '--frame-hashes', 'notes.txt'],
    says: [/--frame-hashes notes\.txt exists/],
  },
  'hashes equal output': {
    args: ['render', 'page.html', ...OUT, '--frame-hashes', './out.mp4'],
    says: [/--frame-hashes \.\/out\.mp4 is the same file as the output/],
  },
  'hashes equal the finished part': {
    args: ['render', 'page.html', ...OUT, '--frame-hashes', 'part.mp4', '--partial', './part.mp4'],
    says: [/--partial \.\/part\.mp4 is the same file as --frame-hashes/],
  },
  'output in a folder that takes no file': {
    args: ['render', 'page.html', '-o', '/proc/out.mp4'],
    says: [/\/proc\/out\.mp4 cannot be written: \/proc accepts no files \(ENOENT\)/],
  },
  'output of too long a name': {
    args: ['render', 'page.html', '-o', `${'x'.repeat(252)}.mp4`],
    says: [/its name is too long/],
  },

  'still: no frame': { args: ['still', 'page.html', '-o', 'f.png'], says: [/no frame given: --frame/] },
  'still: bad frame': {
    args: ['still', 'page.html', '-o', 'f.png', '--frame', '1.5'],
    says: [/--frame must be a whole/],
  },
  'still: a frame beyond all lengths': {
    args: ['still', 'bare.html', '-o', 'f.png', '--frame', '99999999', '--width', '9', '--height', '9', '--fps', '9'],
    says: [/--frame must be a whole number from 0 to/],
  },
  'still: unknown mode': {
    args: ['still', 'page.html', '-o', 'f.png', '--frame', '0', '--mode', 'photograph'],
    says: [/--mode must be auto, canvas, compositor or screenshot \(given: "photograph"\)/],
  },
  'still: a flag of the encoder': {
    args: ['still', 'page.html', '-o', 'f.png', '--frame', '0', '--fast'],
    says: [/unknown option '--fast'/],
  },
  'still: frame outside': {
    args: ['still', 'page.html', '-o', 'f.png', '--frame', '60'],
    says: [/--frame asks for frame 60.*0 to 59/],
  },
  'still: not a PNG': { args: ['still', 'page.html', '-o', 'f.jpg', '--frame', '0'], says: [/must end in \.png/] },
  'still: nothing declared': {
    args: ['still', 'bare.html', '-o', 'f.png', '--frame', '0'],
    says: [/width is missing/, /fps is missing/],
  },

  'several faults at once': {
    args: ['render', 'gone.html', '-o', 'no/out.gif', '--width', '0', '--props', '{', '--frames', '3-1'],
    says: [/gone\.html/, /mkdir -p/, /--width must/, /--props does not/, /--frames is reversed/],
  },
};

/** Those that get a process of their own, as all do in the hands of users; the others share one. */
const OWN_PROCESS: readonly string[] = ['no command', 'unknown flag', 'no such file', '404', 'several faults at once'];

function surroundings() {
  return { cwd: work.path, env: { GENLOCK_BROWSER: join(bin.path, 'browser') } };
}

describe('bad input', () => {
  for (const [name, { args, says }] of Object.entries(CASES)) {
    it(name, async () => {
      const before = await listing(work.path);
      const given = typeof args === 'function' ? args() : args;
      const end = OWN_PROCESS.includes(name) ? await genlock(given, surroundings()) : await commandLines.run(given);
      for (const pattern of says) assert.match(end.stderr, pattern);
      assert.doesNotMatch(end.stderr, /\n\s+at .*\.js:\d+/, 'a stack trace');
      assert.equal(end.stdout, '');
      assert.equal(end.code, 2);
      assert.deepEqual(await listing(work.path), before);
      assert.ok(!existsSync(join(bin.path, 'started-browser')), 'a browser was started');
    });
  }

  it('output folder not writable', async () => {
    // Root may write anywhere.
    const uid = process.getuid?.() === 0 ? { uid: 65534 } : {};
    const end = await genlock(['render', 'page.html', '-o', 'closed/out.mp4'], { cwd: work.path, ...uid });
    assert.match(end.stderr, /the folder .*closed is not writable/);
    assert.equal(end.code, 2);
  });

  it('as JSON, the last line is the error', async () => {
    const end = await commandLines.run(['render', 'page.html', '-o', 'there.mp4', '--width', '0', '--json']);
    const last = JSON.parse(end.stdout.trim().split('\n').at(-1)!);
    assert.equal(last.type, 'error');
    assert.equal(last.name, 'OptionsError');
    assert.equal(last.exitCode, 2);
    assert.equal(last.problems.length, 2);
    assert.equal(end.code, 2);
    const unknown = await commandLines.run(['render', '--nope', '--json']);
    assert.equal(JSON.parse(unknown.stdout).exitCode, 2);
    assert.equal(unknown.code, 2);
  });

  it('a missing browser or ffmpeg exits 1 with the command that installs it', async () => {
    const args = ['render', 'page.html', ...OUT];
    const browser = await genlock([...args, '--browser', '/no/browser'], { cwd: work.path });
    assert.match(browser.stderr, /no browser at \/no\/browser.*apt-get install -y chromium-headless-shell/s);
    assert.equal(browser.code, 1);
    const ffmpeg = await genlock([...args, '--ffmpeg', '/no/ffmpeg'], { cwd: work.path });
    assert.match(ffmpeg.stderr, /no ffmpeg at \/no\/ffmpeg.*apt-get install -y ffmpeg/s);
    assert.equal(ffmpeg.code, 1);
  });
});

describe('colours', () => {
  it('are for terminals alone, whatever a CI system sets', async () => {
    const end = await genlock(['render', 'no-such-file.html', '-o', 'out.mp4'], { env: { CI: 'true' } });
    assert.match(end.stderr, /^error: there is no file/);
  });
});

describe('help and version', () => {
  it('exit 0', async () => {
    for (const [args, says] of [
      [['--help'], /Usage: genlock \[options\]/],
      [['render', '--help'], /Examples:[\s\S]*genlock render/],
      [['still', '-h'], /--frame <n>/],
      [['help', 'render'], /--concurrency/],
      [['--version'], /^\d+\.\d+\.\d+\n$/],
    ] as const) {
      const end = await genlock(args);
      assert.match(end.stdout, says);
      assert.equal(end.code, 0);
    }
  });
});
