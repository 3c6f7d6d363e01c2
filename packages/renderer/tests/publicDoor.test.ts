import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import * as library from '@genlock/renderer';
import * as testing from '@genlock/renderer/testing';
import { OptionsError, renderVideo } from '../src/index.js';
import { countFrames } from '../src/testing/index.js';
import { REPOSITORY } from './support/repository.js';
import { Sandbox } from './support/Sandbox.js';

const COUNTER = join(import.meta.dirname, 'pages/counter.html');
const SMALL = { width: 160, height: 90, fps: 30, frameCount: 3, concurrency: 1 };
const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());

/** Every code block for programs in what users read. */
function examples(): { file: string; code: string }[] {
  const files = [
    ...['README.md', 'packages/renderer/README.md', 'examples/README.md'],
    ...readdirSync(join(REPOSITORY, 'docs')).map((name) => `docs/${name}`),
  ].filter((file) => file.endsWith('.md'));
  return files.flatMap((file) => {
    const text = readFileSync(join(REPOSITORY, file), 'utf8');
    return [...text.matchAll(/```(?:ts|js)\n(.*?)```/gs)].map((match) => ({ file, code: match[1]! }));
  });
}

/** The names that a page of the API record exports, types too. */
function recorded(page: string): string[] {
  const text = readFileSync(join(REPOSITORY, 'packages/renderer/api', `${page}.api.md`), 'utf8');
  return [...text.matchAll(/^export (?:abstract )?(?:class|const|function|interface|type) (\w+)/gm)].map(
    (match) => match[1]!,
  );
}

describe('the public door', () => {
  it('exports what is on record, and nothing else', () => {
    for (const [page, door] of Object.entries({ renderer: library, testing })) {
      const names = recorded(page);
      assert.deepEqual(
        Object.keys(door).filter((name) => !names.includes(name)),
        [],
      );
    }
  });

  it('has everything that the examples of the documentation take from it', () => {
    const pages: Record<string, readonly string[]> = {
      '@genlock/renderer': recorded('renderer'),
      '@genlock/renderer/testing': recorded('testing'),
    };
    let found = 0;
    for (const { file, code } of examples()) {
      for (const [, list, door] of code.matchAll(/import (?:type )?\{(.*?)\} from '(@genlock[^']*)'/gs)) {
        for (const name of list!.split(',').map((each) => each.replace(/^\s*type\s/, '').trim())) {
          assert.ok(pages[door!]?.includes(name), `${file} imports ${name} from ${door}`);
          found++;
        }
      }
    }
    assert.ok(found >= 8, `${found} imports in the documentation`);
  });
});

describe('renderVideo', () => {
  it('renders a page, by path, to a video, and reports it', async () => {
    const file = sandbox.destination('video.mp4');
    const shares: number[] = [];
    const report = await renderVideo(COUNTER, file, SMALL, {
      onEvent: sandbox.watch,
      onProgress: (share) => shares.push(share),
    });
    assert.deepEqual([report.outputPath, report.frames, shares.at(-1)], [file, 3, 1]);
    assert.equal(await countFrames(file), 3);
    sandbox.assertNoProcesses();
  });

  it('rejects with what is wrong with the options, and with the reason of an abort itself', async () => {
    const file = sandbox.destination('none.mp4');
    await assert.rejects(renderVideo(COUNTER, file, { ...SMALL, width: 0 }), OptionsError);
    const reason = new Error('stop');
    const signal = AbortSignal.abort(reason);
    await assert.rejects(renderVideo(COUNTER, file, SMALL, { signal }), (error) => error === reason);
    sandbox.assertNothingLeft(file, signal);
  });
});
