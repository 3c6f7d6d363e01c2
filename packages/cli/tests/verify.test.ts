import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { PageVerdict, WayVerdict } from '@genlock/renderer';
import { verdictLines } from '../src/display/verdictLines.js';
import { LONG } from '../../renderer/tests/support/extent.js';
import { genlock, listing, makeFolder } from './helpers.js';

const DECLARATION =
  '<!doctype html><script type="application/genlock+json">{"width":64,"height":36,"fps":30,"frameCount":8}</script>';
const SMALL = ['--samples', '2', '--sample-frames', '1', '--concurrency', '2'];

describe('verify', () => {
  it('exits 0 for a page with state in a folder, and says how a jump differs', LONG, async () => {
    await using work = await makeFolder();
    const counter = `<p id="count">0</p><script>
      let n = 0;
      const step = () => { count.textContent = n++; requestAnimationFrame(step); };
      requestAnimationFrame(step);
    </script>`;
    await mkdir(join(work.path, 'site'));
    await writeFile(join(work.path, 'site', 'index.html'), DECLARATION + counter);
    const { code, stdout, stderr } = await genlock(['verify', 'site', ...SMALL], { cwd: work.path });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^drawing 2 samples at 64x36 in four ways, 7 pictures in all, with 2 workers\n/);
    assert.match(stderr, /100% {2}7\/7 frames/);
    assert.match(stdout, /^7-7 +same +same +differs at 7$/m);
    assert.match(stdout, /body > p#count: text "7" and "3"/);
    assert.match(stdout, /^deterministic, with state/m);
    assert.ok(stdout.includes(join(work.path, 'genlock-verify', 'seek.frame-7.png')));
    assert.deepEqual(await listing(work.path), [
      'genlock-verify',
      'genlock-verify/seek.frame-7.png',
      'site',
      'site/index.html',
    ]);
  });

  it('exits 1 for an address that is different each time, and tells programs all of it', async () => {
    await using work = await makeFolder();
    let asked = 0;
    const server = createServer((_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`${DECLARATION}<p id="asked">${++asked}</p>`);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const args = ['verify', url, '-o', 'shown', '--json', ...SMALL];
      const { code, stdout, stderr } = await genlock(args, { cwd: work.path });
      assert.equal(code, 1, stderr);
      const lines = stdout.trimEnd().split('\n');
      const verdict = JSON.parse(lines.at(-1)!) as PageVerdict & { type: string };
      assert.equal(verdict.type, 'verify');
      assert.equal(verdict.deterministic, false);
      const { frame, page, picture } = verdict.ways[0]!.difference!;
      assert.equal(frame, 0);
      assert.match(page.join(), /p#asked: text "\d+" and "\d+"/);
      assert.equal(picture, join(work.path, 'shown', 'twice.frame-0.png'));
      assert.ok((await listing(work.path)).includes('shown/twice.frame-0.png'));
      assert.equal(lines.filter((line) => (JSON.parse(line) as { type: string }).type === 'frame').length, 7);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('exits 2 with every fault of the request at once, and starts nothing', async () => {
    await using work = await makeFolder({ 'page.html': '<p>nothing declared</p>', file: '' });
    const wrong = ['--samples', '0', '--sample-frames', 'few', '--width', '1', '--height', '36', '-o', 'file'];
    const { code, stderr } = await genlock(['verify', 'page.html', ...wrong], { cwd: work.path });
    assert.equal(code, 2);
    for (const fault of [
      /--samples must be a whole number from 1 to 100 \(given: 0\)/,
      /--sample-frames must be a whole number from 1 to 1000 \(given: few\)/,
      /--width must be/,
      /fps is missing/,
      /duration is missing/,
      /the output cannot be written: .*file is not a folder/,
    ]) {
      assert.match(stderr, fault);
    }
    const nowhere = await genlock(['verify', 'page.html', '-o', 'no/where', ...SMALL], { cwd: work.path });
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.stderr, /the folder of the output does not exist/);
    assert.deepEqual(await listing(work.path), ['file', 'page.html']);
  });
});

describe('verdictLines', () => {
  const sample = { startFrame: 0, frameCount: 8 };
  const same = (way: 'twice' | 'many' | 'seek') => ({ way, samples: [{ ...sample, differing: [] }] });
  const verdict: PageVerdict = {
    ...{ deterministic: true, seekable: true, exact: true, pictures: 24, wallMs: 1500 },
    samples: [sample],
    ways: [same('twice'), same('many'), same('seek')],
  };

  it('says that a page is a function of the frame', () => {
    assert.deepEqual(verdictLines(verdict, false), [
      'frames  a second time  by many workers  by a jump',
      '0-7              same             same       same',
      '',
      'deterministic: the page draws the same every time, and each picture depends only on its frame',
      '24 pictures compared in 1.5 s',
    ]);
  });

  it('says when a page is not what it declares itself to be', () => {
    const lines = verdictLines({ ...verdict, seekable: false }, true).join('\n');
    assert.match(lines, /NOT as declared \("entry": "seek"\)/);
  });

  it('says what a browser that draws by itself cannot tell, and shows no control characters of a page', () => {
    const difference = { frame: 3, page: ['p: text "\u001b[2J" and "1"'], picture: '/tmp/many.frame-3.png' };
    const many: WayVerdict = { way: 'many', samples: [{ ...sample, differing: [3, 4] }], difference };
    const ways = [same('twice'), many, same('seek')];
    const text = verdictLines({ ...verdict, deterministic: false, seekable: false, exact: false, ways }, false).join(
      '\n',
    );
    assert.match(text, /0-7 +same +differs at 3 +same/);
    assert.match(text, /frame 3, drawn by many workers, differs:\n {4}p: text "\\x1b\[2J" and "1"/);
    assert.match(text, /NOT deterministic/);
    assert.match(text, /note: this browser has no begin-frame control/);
  });
});
