import assert from 'node:assert/strict';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { AssetError, PageError, type RenderEvent } from '@genlock/renderer';
import { BarsDisplay } from '../src/display/BarsDisplay.js';
import { LinesDisplay } from '../src/display/LinesDisplay.js';
import { openPage } from '../src/input.js';
import { jsonLine } from '../src/json.js';
import { printable, printableMessage } from '../src/printable.js';
import { genlock, makeFolder } from './helpers.js';

/** What a terminal acts upon: C0 but for the end of a line, C1, and what turns text around or hides in it. */
const HARM = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;
const EVIL = 'a\u001b]0;X\u0007b\u009b31mc\u202ed\u2066e\u2028f\u0000g\u007fh\ufeffi\u{e0041}j';

describe('text that is printed', () => {
  it('moves no terminal and reads as it is', () => {
    assert.equal(printable(EVIL), 'a\\x1b]0;X\\x07b\\x9b31mc\\u202ed\\u2066e\\u2028f\\x00g\\x7fh\\ufeffi\\u{e0041}j');
    assert.equal(printable('lone \ud800 half'), 'lone \\ud800 half');
    const fine = 'tab\tline\nÜñï 日本語 עברית 👩‍👩‍👧 می‌خواهم soft\u00adhyphen';
    assert.equal(printable(fine), fine);
    assert.equal(printable('http://user:secret@host/'), 'http://***@host/');
  });

  it('has no line that could pass for one of ours', () => {
    assert.equal(printableMessage('page: a\nerror: b\n  c\r\n100%'), 'page: a\n    error: b\n  c\n    100%');
  });

  it('as JSON says the same to who reads it', () => {
    const line = jsonLine({ type: 'x', text: EVIL, error: new Error(EVIL) });
    assert.doesNotMatch(line, HARM);
    assert.deepEqual(JSON.parse(line), { type: 'x', text: EVIL, error: { name: 'Error', message: EVIL.trim() } });
  });

  it('is harmless on every display, whatever is done to it before', () => {
    const wording = (text: string) => text.replace(/%[0-9a-f]{2}/g, (code) => decodeURIComponent(code));
    const url = `http://h/%1b%5d0;X%07${EVIL}`;
    const events: RenderEvent[] = [
      { type: 'warning', message: url, worker: 0 },
      { type: 'capture', worker: 0, mode: 'screenshot', encoded: false, reason: url },
      { type: 'page-console', level: 'error', text: url, url, line: 1, worker: 0 },
      { type: 'page-error', error: new PageError(url, 'exception', { url, line: 1 }, {}), worker: 0 },
      { type: 'worker-failed', error: new AssetError(url, url, url, {}), worker: 0 },
      { type: 'retry', worker: 0, chunk: 0, attempt: 1, of: 1, error: new Error(url) },
      { type: 'partial', path: url, frames: 2 },
    ];
    const lines: string[] = [];
    const display = new LinesDisplay((line) => lines.push(line), { verbose: true, wording });
    for (const event of events) display.event(event);
    assert.equal(lines.length, events.length);
    for (const line of lines) {
      assert.doesNotMatch(line, HARM);
      assert.match(line, /\\x1b\]0;X\\x07/);
    }
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 400, rows: 24 });
    const bars = new BarsDisplay(stream as unknown as NodeJS.WriteStream, { verbose: true, wording });
    for (const event of events) bars.event(event);
    assert.doesNotMatch(String(stream.read()), HARM);
  });

  it('has the names of files without lines and tricks in them', async () => {
    await using folder = await makeFolder({ 'page.html': '' });
    await using page = await openPage({
      kind: 'file',
      ...{ file: join(folder.path, 'page.html'), root: folder.path, suffix: '', url: '' },
    });
    const { origin } = new URL(page.url);
    assert.equal(
      page.withPaths(`no ${origin}/%1b%5d0;X%07%0aerror%09%e2%80%ae%c2%9b.png (HTTP 404)`),
      `no ${join(folder.path, '\\x1b]0;X\\x07\\x0aerror\\x09\\u202e\\x9b.png')} (HTTP 404)`,
    );
  });
});

describe('a page that plays tricks on the terminal', () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  before(async () => {
    const declaration = '{"width":64,"height":36,"fps":10,"frameCount":2}';
    folder = await makeFolder({
      'page.html': `<script type="application/genlock+json">${declaration}</script>
        <title>\u001b]0;X\u0007</title><img src="/%1b%5d0;X%07%0aerror%3a%20fake%e2%80%ae.png">
        <script>console.error('said\\n100% of it\\u001b[2J\\u202e')</script>`,
      'throws.html': `<script type="application/genlock+json">${declaration}</script>
        <script>eval('setTimeout(() => { throw new Error("\\\\u001b[2Jthrown\\\\nerror: fake\\\\u202e" + "x".repeat(5e6)) })' +
          '//# sourceURL=\\u001b]0;X\\u0007\\u202e\\u009b.js')</script>`,
    });
  });
  after(() => folder[Symbol.asyncDispose]());

  it('plays none, in any mode', async () => {
    for (const [page, ...mode] of [['page.html', '--verbose'], ['throws.html'], ['throws.html', '--json']] as const) {
      const name = `${page} ${mode.join()}`;
      const args = ['render', page, '-o', 'out.mp4', '--concurrency', '1', '--mode', 'screenshot', ...mode];
      const { code, stdout, stderr } = await genlock(args, { cwd: folder.path });
      assert.equal(code, 1, name);
      assert.doesNotMatch(stdout, HARM, name);
      assert.doesNotMatch(stderr, HARM, name);
      assert.equal(stderr.match(/^error: /gm)?.length, 1, `${name}: ${stderr}`);
      assert.doesNotMatch(stderr, /^100% of it/m, name);
      assert.match(stderr, page === 'page.html' ? /\\x1b\]0;X\\x07\\x0aerror: fake\\u202e\.png/ : /\\x1b\[2Jthrown/);
      assert.ok(stdout.length + stderr.length < 100_000, `${name}: ${stdout.length + stderr.length} characters`);
      if (mode.length > 0 && mode[0] === '--json') for (const line of stdout.trimEnd().split('\n')) JSON.parse(line);
    }
  });
});
