import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, beforeEach, describe, it, mock } from 'node:test';
import { RenderChunkStore } from '../src/store/RenderChunkStore.js';
import { ReadOnlyFolder } from './support/ReadOnlyFolder.js';
import { Sandbox } from './support/Sandbox.js';

const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());

const cache = join(sandbox.inputs, 'cache');
const chunks = join(cache, 'chunks');
const KEY = 'a'.repeat(32);
const FILES = [{ address: '/page.html', sha256: 'b'.repeat(64) }];
const RECORD = { url: 'file:///page.html', startFrame: 0, frameCount: 4, files: FILES, seams: {} };
const made = join(sandbox.inputs, 'made.mkv');
const BYTES = 'the bytes of the chunk';
writeFileSync(made, BYTES);
const taken = join(sandbox.inputs, 'taken.mkv');

const noLeftover = (path: string) => assert.fail(`left ${path}`);
const keep = (key = KEY, store = new RenderChunkStore(cache)) =>
  store.keep(key, RECORD, { 'chunk.mkv': made }, noLeftover, new AbortController().signal);

/** The bytes of the chunk that is found, if any. */
async function found(key = KEY, store = new RenderChunkStore(cache)): Promise<string | undefined> {
  rmSync(taken, { force: true });
  const matches = (files: unknown) => {
    assert.deepEqual(files, FILES);
    return Promise.resolve(true);
  };
  const record = await store.reuse(key, matches, { 'chunk.mkv': taken });
  if (record) assert.deepEqual({ ...record, parts: {} }, { ...RECORD, parts: {} });
  return record && readFileSync(taken, 'utf8');
}

function onlyEntry(): string {
  const [name, ...more] = readdirSync(join(chunks, KEY));
  assert.ok(name !== undefined && more.length === 0);
  return join(chunks, KEY, name);
}

/** Each one spoils the entry that is there. */
const DAMAGE: Record<string, (entry: string) => void> = {};
const change = (to: (text: string) => string) => (entry: string) => {
  const path = join(entry, 'chunk.json');
  writeFileSync(path, to(readFileSync(path, 'utf8')));
};
for (const text of [
  '',
  '{}',
  '5',
  'null',
  'true',
  '[]',
  '"x"',
  '{"files":5}',
  '{"files":null}',
  '\0\0\0',
  '{"seams":1}',
]) {
  DAMAGE[`a record that is ${JSON.stringify(text)}`] = change(() => text);
}
const edited = (edit: (record: Record<string, unknown>) => unknown) =>
  change((text) => JSON.stringify(edit(JSON.parse(text) as Record<string, unknown>)));
const FURTHER: typeof DAMAGE = {
  'a torn record': change((text) => text.slice(0, text.length / 2)),
  'a record with one letter changed': change((text) => text.replace('page', 'pagf')),
  'a record without parts': edited(({ parts: _parts, ...rest }) => rest),
  'a record without files': edited(({ files: _files, ...rest }) => rest),
  'a record with other seams': edited((record) => ({
    ...record,
    seams: { end: { frame: 3, hash: 'x', exact: true } },
  })),
  'a record with no files at all': edited((record) => ({ ...record, files: [] })),
  'no record': (entry) => rmSync(join(entry, 'chunk.json')),
  'a folder as record': (entry) => {
    rmSync(join(entry, 'chunk.json'));
    mkdirSync(join(entry, 'chunk.json'));
  },
  'a pipe as record': (entry) => {
    rmSync(join(entry, 'chunk.json'));
    execFileSync('mkfifo', [join(entry, 'chunk.json')]);
  },
  'a record that links to itself': (entry) => {
    rmSync(join(entry, 'chunk.json'));
    symlinkSync('chunk.json', join(entry, 'chunk.json'));
  },
  'no part': (entry) => rmSync(join(entry, 'chunk.mkv')),
  'a torn part': (entry) => truncateSync(join(entry, 'chunk.mkv'), 5),
  'a part with other bytes': (entry) => writeFileSync(join(entry, 'chunk.mkv'), BYTES.replace('the', 'ten')),
  'a folder as part': (entry) => {
    rmSync(join(entry, 'chunk.mkv'));
    mkdirSync(join(entry, 'chunk.mkv'));
  },
  'a pipe as part': (entry) => {
    rmSync(join(entry, 'chunk.mkv'));
    execFileSync('mkfifo', [join(entry, 'chunk.mkv')]);
  },
  'a device as part': (entry) => {
    rmSync(join(entry, 'chunk.mkv'));
    symlinkSync('/dev/zero', join(entry, 'chunk.mkv'));
  },
  'an empty folder as entry': (entry) => {
    rmSync(entry, { recursive: true });
    mkdirSync(entry);
  },
  'a file as entry': (entry) => {
    rmSync(entry, { recursive: true });
    writeFileSync(entry, 'x');
  },
  'a link to nowhere as entry': (entry) => {
    rmSync(entry, { recursive: true });
    symlinkSync('nowhere', entry);
  },
  'a file in the place of the key': (entry) => {
    rmSync(dirname(entry), { recursive: true });
    writeFileSync(dirname(entry), 'x');
  },
};

describe('the store of chunks', () => {
  beforeEach(() => rmSync(cache, { recursive: true, force: true }));

  for (const [damage, spoil] of Object.entries({ ...DAMAGE, ...FURTHER })) {
    it(`takes ${damage} for no chunk, fills it again, and prunes it`, async () => {
      await keep();
      assert.equal(await found(), BYTES);
      const entry = onlyEntry();
      spoil(entry);
      assert.equal(await found(), undefined);
      await keep();
      assert.equal(await found(), BYTES, 'filled again');

      spoil(entry);
      const store = new RenderChunkStore(cache);
      const [listed, ...more] = await store.list();
      assert.ok(listed && more.length === 0, 'listed');
      const seen = !['a torn part', 'a part with other bytes'].includes(damage);
      assert.equal(listed.damaged, seen, 'what is in a part is seen when it is used');
      const removed = await store.prune(seen ? {} : { maxBytes: -1 });
      assert.deepEqual(removed, [listed]);
      assert.deepEqual(readdirSync(chunks), [], 'nothing is left of it');
      await keep();
      assert.equal(await found(), BYTES, 'filled again');
    });
  }

  it('gives up a chunk that cannot be read at the moment, and does not remove it', async () => {
    await keep();
    // The place that it goes to is no place: the chunk is not to blame.
    await assert.rejects(
      new RenderChunkStore(cache).reuse(KEY, () => Promise.resolve(true), { 'chunk.mkv': join(made, 'x') }),
      { code: 'ENOTDIR' },
    );
    assert.equal(await found(), BYTES);
  });

  it('has everything on the disk before it appears', async () => {
    await using handle = await open(made);
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    const inPlace: boolean[] = [];
    const spied = mock.method(prototype, 'sync', () => {
      inPlace.push(existsSync(join(chunks, KEY)) && readdirSync(join(chunks, KEY)).length > 0);
      return Promise.resolve();
    });
    await keep();
    spied.mock.restore();
    // The part, the record and their folder; then the folder that they are renamed into.
    assert.deepEqual(inPlace, [false, false, false, true]);
  });

  it('shows nothing to others', async () => {
    await keep();
    const entry = onlyEntry();
    const modes = [cache, chunks, dirname(entry), entry, join(entry, 'chunk.json')].map(
      (path) => statSync(path).mode & 0o777,
    );
    assert.deepEqual(modes, [0o700, 0o700, 0o700, 0o700, 0o600]);
  });

  it('takes nothing more after an abort, and leaves nothing', async () => {
    const store = new RenderChunkStore(cache);
    const aborted = store.keep(KEY, RECORD, { 'chunk.mkv': made }, noLeftover, AbortSignal.abort());
    await assert.rejects(aborted, { name: 'AbortError' });
    assert.deepEqual(readdirSync(chunks), []);
  });

  it('takes the same chunk from many at once, while others tidy', async () => {
    const stores = Array.from({ length: 6 }, () => new RenderChunkStore(cache));
    await Promise.all(stores.flatMap((store) => [keep(KEY, store), store.prune({ maxAgeMs: 1e6 })]));
    assert.equal(await found(), BYTES);
    onlyEntry();
    assert.deepEqual(readdirSync(chunks), [KEY], 'nothing is left of the others');
  });

  it('leaves alone what is not its own', async () => {
    await keep();
    for (const path of ['notes.txt', 'deadbeef/x', `${KEY}/notes.txt`, '.hidden', `${'c'.repeat(33)}/x`]) {
      mkdirSync(dirname(join(chunks, path)), { recursive: true });
      writeFileSync(join(chunks, path), 'mine');
    }
    const store = new RenderChunkStore(cache);
    assert.equal((await store.list()).length, 1);
    assert.equal((await store.prune({ maxBytes: -1 })).length, 1);
    const left = (readdirSync(chunks, { recursive: true }) as string[]).filter((name) => /(x|txt|hidden)$/.test(name));
    assert.equal(left.length, 5);
  });

  it('prunes what was being written when a machine went down, and not what is being written', async () => {
    await keep();
    const [old, young] = ['1', '2'].map((digit) =>
      join(chunks, `.${digit.repeat(8)}-1111-4111-8111-${digit.repeat(12)}`),
    );
    for (const path of [old!, young!]) mkdirSync(path);
    utimesSync(old!, 1, 1);
    await new RenderChunkStore(cache).prune({});
    assert.deepEqual([existsSync(old!), existsSync(young!)], [false, true]);
    assert.equal(await found(), BYTES);
  });

  it('is read, and not written, where it is for reading alone', async (test) => {
    await keep();
    using readOnly = ReadOnlyFolder.mount(cache);
    if (!readOnly) {
      test.skip('needs root');
      return;
    }
    assert.equal(await found(), BYTES);
    await assert.rejects(keep('c'.repeat(32)), { code: 'EROFS' });
    const store = new RenderChunkStore(cache);
    await assert.rejects(store.prune({ maxBytes: -1 }), { code: 'EROFS' });
    assert.equal((await store.list()).length, 1);
  });

  it('of another user is used as far as it may be read', async (test) => {
    if (process.getuid?.() !== 0) {
      test.skip('needs root');
      return;
    }
    const other = { ...RECORD, files: [{ address: '/page.html', sha256: 'c'.repeat(64) }] };
    const store = new RenderChunkStore(cache);
    await keep();
    await store.keep(KEY, other, { 'chunk.mkv': made }, noLeftover, new AbortController().signal);
    const [closed, open] = readdirSync(join(chunks, KEY)).map((name) => join(chunks, KEY, name));
    for (const folder of [sandbox.inputs, cache, chunks, join(chunks, KEY), closed!, open!]) chmodSync(folder, 0o755);
    chmodSync(join(open!, 'chunk.json'), 0o644);
    const place = join(sandbox.inputs, 'for everybody');
    mkdirSync(place);
    chmodSync(place, 0o777);
    const reuse = () => store.reuse(KEY, () => Promise.resolve(true), { 'chunk.mkv': join(place, 'taken') });
    process.seteuid!(65534);
    try {
      assert.ok(await reuse(), 'the one that may be read is found');
      await assert.rejects(keep('d'.repeat(32)), { code: 'EACCES' });
      const listed = await store.list();
      assert.deepEqual(listed.map(({ url, damaged }) => [url, damaged]).sort(), [
        ['', false],
        [RECORD.url, false],
      ]);
      assert.deepEqual(await store.prune({}), []);
      await assert.rejects(store.prune({ maxBytes: -1 }), { code: 'EACCES' });
    } finally {
      process.seteuid!(0);
    }
    rmSync(open!, { recursive: true });
    process.seteuid!(65534);
    try {
      await assert.rejects(reuse(), { code: 'EACCES' });
    } finally {
      process.seteuid!(0);
    }
    assert.ok(existsSync(closed!), 'what cannot be read is left to its owner');
  });

  it('is nothing below a file or in /proc: there is no chunk, and none is kept', async () => {
    for (const [nowhere, code] of [
      [made, 'ENOTDIR'],
      ['/proc/genlock', 'ENOENT'],
    ] as const) {
      const store = new RenderChunkStore(nowhere);
      assert.equal(await found(KEY, store), undefined);
      await assert.rejects(keep(KEY, store), { code });
    }
    await assert.rejects(new RenderChunkStore(made).list(), { code: 'ENOTDIR' });
  });

  it('stays where it was when this process goes elsewhere', async () => {
    const before = process.cwd();
    process.chdir(sandbox.inputs);
    try {
      const store = new RenderChunkStore('cache');
      await keep();
      process.chdir('/');
      assert.equal(await found(KEY, store), BYTES);
      renameSync(cache, `${cache}-gone`);
      assert.equal(await found(KEY, store), undefined);
      rmSync(`${cache}-gone`, { recursive: true });
    } finally {
      process.chdir(before);
    }
  });
});
