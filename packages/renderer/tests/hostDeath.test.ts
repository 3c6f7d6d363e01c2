import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { RenderOrchestrator } from '../src/index.js';
import { HostRecord, readRecord } from '../src/lifecycle/host/HostRecord.js';
import { isGone, thisOwner, type Owner } from '../src/lifecycle/host/owner.js';
import { sweep } from '../src/lifecycle/host/sweep.js';
import { livingMembersNow, readStat } from '../src/lifecycle/processGroup.js';
import { WorkDirectory } from '../src/lifecycle/WorkDirectory.js';
import { ChildHost, guardiansIn } from './support/ChildHost.js';
import { LONG } from './support/extent.js';
import { TWO_WORKERS } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;
/** Enough frames that no render is done before its host is killed. */
const ENDLESS = { frameCount: 2000 };
/** The promise is one second on a machine that has nothing else to do. */
const GONE_MS = 5000;

const isFrame = (event: { type: string }) => event.type === 'frame';

describe('clause 13: death of the host', () => {
  for (const hardening of [true, false]) {
    for (const phase of ['launch', 'load', 'seek', 'capture'] as const) {
      const name = `leaves nothing when killed in ${phase}${hardening ? '' : ', without hardening'}`;
      it(name, phase === 'launch' || phase === 'capture' ? {} : LONG, async () => {
        using sandbox = new Sandbox();
        const destination = sandbox.destination('out.mp4');
        await using host = new ChildHost(sandbox, COUNTER, destination, { ...ENDLESS, hardening });
        await host.until((event) => event.type === 'at' && event.phase === phase);
        await host.kill();
        assert.deepEqual(await host.gone([destination], GONE_MS), []);
        sandbox.assertNothingLeft(destination);
      });
    }
  }

  it('leaves nothing of a picture when killed at its commit', async () => {
    using sandbox = new Sandbox();
    const destination = sandbox.destination('still.png');
    await using host = new ChildHost(sandbox, COUNTER, destination, {}, 'stillHost.mjs');
    await host.until((event) => event.type === 'at' && event.phase === 'commit');
    assert.ok(
      host.left([destination]).some((name) => name.startsWith('still.png.part-')),
      'it is staged',
    );
    await host.kill();
    assert.deepEqual(await host.gone([destination], GONE_MS), []);
    sandbox.assertNothingLeft(destination);
  });

  it('leaves nothing when killed while it joins', LONG, async () => {
    using sandbox = new Sandbox();
    const destination = sandbox.destination('out.mp4');
    const stopped = sandbox.script('ffmpeg', 'case "$*" in *concat*) exec sleep 1000;; esac', 'exec ffmpeg "$@"');
    await using host = new ChildHost(sandbox, COUNTER, destination, { ffmpegPath: stopped, ffprobePath: 'ffprobe' });
    await host.until((event) => event.type === 'process' && event.role === 'concat');
    await host.kill();
    assert.deepEqual(await host.gone([destination], GONE_MS), []);
    sandbox.assertNothingLeft(destination);
  });

  it('ends browsers that are stopped and pages that never end', LONG, async () => {
    using sandbox = new Sandbox();
    const destination = sandbox.destination('out.mp4');
    const page = sandbox.page('<script>requestAnimationFrame(() => { for (;;); })</script>');
    await using host = new ChildHost(sandbox, page, destination, { ...ENDLESS, hardening: false });
    await host.until((event) => event.type === 'at' && event.phase === 'seek');
    for (const group of host.groups) process.kill(-group, 'SIGSTOP');
    await host.kill();
    assert.deepEqual(await host.gone([destination], GONE_MS), []);
  });

  it('is cleaned up after at the next start, when its guardian was killed too', async () => {
    using sandbox = new Sandbox();
    const destination = sandbox.destination('out.mp4');
    await using host = new ChildHost(sandbox, COUNTER, destination, { ...ENDLESS, hardening: false });
    await host.until(isFrame);
    // Stopped, the browsers cannot end by themselves.
    for (const group of host.groups) process.kill(-group, 'SIGSTOP');
    const guardians = host.guardians();
    assert.equal(guardians.length, 1);
    for (const pid of [...guardians, host.child.pid!]) process.kill(pid, 'SIGSTOP');
    for (const pid of [...guardians, host.child.pid!]) process.kill(pid, 'SIGKILL');
    await host.ended;
    assert.ok(host.left([destination]).length > 0, 'something was there to be swept');
    const other = join(sandbox.root, 'other.mp4');
    await RenderOrchestrator.render(COUNTER, other, { ...TWO_WORKERS, frameCount: 2 });
    assert.deepEqual(host.left([destination, other]), []);
    rmSync(other);
    sandbox.assertNothingLeft(destination);
  });

  it('does not touch another host', LONG, async () => {
    using sandbox = new Sandbox();
    const [first, second] = [sandbox.destination('first.mp4'), sandbox.destination('second.mp4')];
    await using killed = new ChildHost(sandbox, COUNTER, first, ENDLESS);
    await using other = new ChildHost(sandbox, COUNTER, second, { frameCount: 60 });
    const done = other.until((event) => event.type === 'state' && event.state === 'succeeded');
    await Promise.all([killed.until(isFrame), other.until(isFrame)]);
    await killed.kill();
    await Promise.all([done, other.ended]);
    assert.equal(other.child.exitCode, 0);
    assert.deepEqual(await killed.gone([first, second], GONE_MS), []);
  });
});

describe('the guardian', () => {
  it('is one for all renders of a process, and gone with the last', async () => {
    using sandbox = new Sandbox();
    const first = await WorkDirectory.create();
    const second = await WorkDirectory.create();
    assert.equal(first.host, second.host);
    assert.equal(guardiansIn(sandbox).length, 1);
    await first[Symbol.asyncDispose]();
    assert.equal(guardiansIn(sandbox).length, 1);
    await second[Symbol.asyncDispose]();
    assert.deepEqual(guardiansIn(sandbox), []);
    assert.deepEqual(sandbox.files(), []);
  });

  it('is replaced when somebody ends it', async () => {
    using sandbox = new Sandbox();
    await using directory = await WorkDirectory.create();
    const [pid] = guardiansIn(sandbox);
    process.kill(pid!, 'SIGKILL');
    while (guardiansIn(sandbox).every((other) => other === pid)) await new Promise(setImmediate);
    assert.equal(guardiansIn(sandbox).length, 1);
    assert.ok(existsSync(directory.path));
  });

  it('does not heed the signals that end its host politely', async () => {
    using sandbox = new Sandbox();
    const destination = sandbox.destination('out.mp4');
    await using host = new ChildHost(sandbox, COUNTER, destination, { ...ENDLESS, hardening: false });
    await host.until(isFrame);
    const [pid] = host.guardians();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(pid!, signal);
    await host.kill();
    assert.deepEqual(await host.gone([destination], GONE_MS), []);
  });
});

describe('the sweep', () => {
  /** A pid that nobody has any more. */
  async function endedPid(): Promise<number> {
    const child = spawn('true');
    await once(child, 'close');
    return child.pid!;
  }

  /** A host directory as a killed process leaves it. */
  async function abandoned(sandbox: Sandbox, change: Partial<Owner> = {}, name = 'any-name'): Promise<HostRecord> {
    const directory = join(sandbox.root, name);
    mkdirSync(directory, { mode: 0o700 });
    writeFileSync(join(directory, 'chunk.mp4'), 'a part');
    return new HostRecord(directory, { ...thisOwner(), pid: await endedPid(), startTime: '1', ...change });
  }

  it('removes what a process that is gone has left, by its record and whatever its name', async () => {
    using sandbox = new Sandbox();
    const staged = join(sandbox.inputs, 'out.mp4.part-1');
    const kept = join(sandbox.inputs, 'kept.mp4.part-2');
    for (const path of [staged, kept]) writeFileSync(path, 'a part');
    const record = await abandoned(sandbox);
    record.add({ path: staged });
    record.add({ path: kept });
    record.add({ gone: kept });
    await sweep(sandbox.root);
    assert.deepEqual(sandbox.files(), []);
    assert.deepEqual([existsSync(staged), existsSync(kept)], [false, true]);
  });

  it('ends processes that are left, and only those: not a stranger who has the pid now', async () => {
    using sandbox = new Sandbox();
    const record = await abandoned(sandbox);
    const [left, stranger] = [1, 2].map(() => spawn('sleep', ['1000'], { detached: true }));
    record.add({ group: left!.pid!, startTime: readStat(left!.pid!)!.startTime });
    record.add({ group: stranger!.pid!, startTime: '1' });
    const gone = once(left!, 'close');
    await sweep(sandbox.root);
    await gone;
    assert.equal(livingMembersNow(stranger!.pid!).length, 1);
    stranger!.kill('SIGKILL');
    await once(stranger!, 'close');
  });

  it('ends processes that were started too late to be noted', async () => {
    using sandbox = new Sandbox();
    const record = await abandoned(sandbox);
    const env = { ...process.env, GENLOCK_HOST: record.owner.token };
    const left = spawn('sh', ['-c', 'sleep 1000 & echo started; wait'], {
      detached: true,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(left.stdout, 'data');
    const gone = once(left, 'close');
    await sweep(sandbox.root);
    await gone;
    assert.deepEqual(livingMembersNow(left.pid!), []);
  });

  it('leaves alone what is in use, what is of elsewhere, and what has no record', async () => {
    using sandbox = new Sandbox();
    await abandoned(sandbox, thisOwner(), 'in-use');
    await abandoned(sandbox, { machine: 'another' }, 'another-machine');
    await abandoned(sandbox, { pidNamespace: 'pid:[1]' }, 'another-container');
    mkdirSync(join(sandbox.root, 'genlock-abcdefgh'));
    const outside = await abandoned(
      sandbox,
      { machine: 'for now' },
      '../outside-of-' + sandbox.root.split('-').at(-1)!,
    );
    writeFileSync(join(outside.directory, 'genlock-owner.jsonl'), JSON.stringify({ owner: await goneOwner() }));
    symlinkSync(outside.directory, join(sandbox.root, 'link'));
    const before = sandbox.files();
    await sweep(sandbox.root);
    assert.deepEqual(sandbox.files(), before);
    assert.ok(existsSync(join(outside.directory, 'chunk.mp4')));
    rmSync(outside.directory, { recursive: true });
  });

  async function goneOwner(): Promise<Owner> {
    return { ...thisOwner(), pid: await endedPid(), startTime: '1' };
  }

  it('takes an owner for gone only without doubt', async () => {
    const own = thisOwner();
    assert.equal(isGone(own), false);
    assert.equal(isGone(await goneOwner()), true);
    assert.equal(isGone({ ...own, startTime: '1' }), true, 'the pid belongs to another process now');
    assert.equal(isGone({ ...own, boot: 'before' }), true, 'the machine was started again');
    assert.equal(isGone({ ...own, boot: 'before', machine: 'another' }), false);
  });

  it('reads a record that stays short, however much its host has made and removed', async () => {
    using sandbox = new Sandbox();
    const record = await abandoned(sandbox);
    record.add({ path: '/kept' });
    record.add({ group: 7, startTime: '1' });
    for (let count = 0; count < 5000; count++) {
      record.add({ group: 8, startTime: String(count) });
      record.add({ path: `/${count}` });
      record.add({ ended: 8 });
      record.add({ gone: `/${count}` });
    }
    const lines = readFileSync(join(record.directory, 'genlock-owner.jsonl'), 'utf8').trimEnd().split('\n');
    assert.ok(lines.length < 1100, `${lines.length} lines`);
    const { owner } = record;
    assert.deepEqual(readRecord(record.directory), { owner, groups: new Map([[7, '1']]), paths: new Set(['/kept']) });
  });

  it('leaves alone what cannot be read, whatever is in it', async () => {
    using sandbox = new Sandbox();
    const owner = await goneOwner();
    const lines = [
      ...['', '5', 'null', '"x"', '[]', '[5]', '{}', '{', 'no JSON', '\0', '{"owner":null}', '{"owner":5}'],
      ...['{"owner":"me"}', '{"owner":[]}', '{"owner":{}}', '{"group":1}', '{"path":"/x"}'],
      ...[{ token: '' }, { token: 5 }, { pid: '1' }, { pid: 0 }, { pid: 1.5 }, { machine: null }, { startTime: 1 }].map(
        (change) => JSON.stringify({ owner: { ...owner, ...change } }),
      ),
    ];
    for (const [index, line] of lines.entries()) {
      mkdirSync(join(sandbox.root, `any-${index}`));
      writeFileSync(join(sandbox.root, `any-${index}`, 'genlock-owner.jsonl'), `${line}\n{"path":"/y"}\n`);
    }
    mkdirSync(join(sandbox.root, 'folder', 'genlock-owner.jsonl'), { recursive: true });
    const before = sandbox.disk();
    await sweep(sandbox.root);
    assert.deepEqual(sandbox.disk(), before);
    // A render begins with the sweep.
    await using _directory = await WorkDirectory.create();
  });

  it('passes over lines of a record that say nothing', async () => {
    using sandbox = new Sandbox();
    const record = await abandoned(sandbox);
    const staged = join(sandbox.inputs, 'out.mp4.part-1');
    const file = join(record.directory, 'genlock-owner.jsonl');
    const relative = join('node_modules', '..', 'not-absolute');
    const lines = [5, null, 'x', [], {}, { group: 'x' }, { group: -1 }, { group: 1 }, { group: 9, startTime: 5 }];
    const more = [{ ended: null }, { path: 5 }, { path: null, gone: '/x' }, { path: relative }, { owner: 5 }];
    const all = [...lines, ...more, { path: staged }].map((line) => `${JSON.stringify(line)}\n`);
    writeFileSync(file, readFileSync(file, 'utf8') + all.join(''));
    const { groups, paths } = readRecord(record.directory)!;
    assert.deepEqual([[...groups], [...paths]], [[], [staged]]);
    await sweep(sandbox.root);
    assert.deepEqual(sandbox.files(), []);
  });

  it('survives a torn record', async () => {
    using sandbox = new Sandbox();
    const record = await abandoned(sandbox);
    const file = join(record.directory, 'genlock-owner.jsonl');
    writeFileSync(file, `${readFileSync(file, 'utf8')}{"group":12,"start`);
    assert.deepEqual(readRecord(record.directory)?.groups, new Map());
    await sweep(sandbox.root);
    assert.deepEqual(sandbox.files(), []);
  });
});
