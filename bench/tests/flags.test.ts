import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFlags } from '../flags.js';

test('without flags everything of Genlock itself is measured', () => {
  const flags = parseFlags([])!;
  assert.deepEqual(flags.parts, ['speed', 'stop']);
  assert.deepEqual(flags.pages, ['dom', 'text', 'slides', 'canvas', 'webgl', 'mixed', '4k']);
  assert.deepEqual([flags.frames, flags.rounds, flags.stops], [600, 3, 20]);
  assert.deepEqual(flags.workers, [1, 2, 3]);
  assert.deepEqual([flags.save, flags.profile], [false, false]);
});

test('--peers measures other tools, on the pages that they can be given', () => {
  const flags = parseFlags(['--peers'])!;
  assert.deepEqual(flags.parts, ['peers']);
  assert.deepEqual([flags.frames, flags.rounds], [150, 5]);
  assert.ok(!flags.pages.includes('4k'));
  assert.deepEqual(flags.tools, ['remotion', 'hyperframes', 'helios', 'revideo']);
  assert.deepEqual(parseFlags(['--peers', '--tools', 'helios'])!.tools, ['helios']);
});

test('growth has one page, two workers and few frames unless more is asked for', () => {
  const flags = parseFlags(['--only', 'growth'])!;
  assert.deepEqual([flags.pages, flags.workers, flags.frames], [['dom'], [2], 60]);
  assert.deepEqual(parseFlags(['--only', 'growth', '--pages', 'text'])!.pages, ['text']);
});

test('what is asked for wins over --quick', () => {
  const flags = parseFlags(['--quick', '--frames', '45', '--pages', 'dom,canvas', '--workers', '2'])!;
  assert.deepEqual([flags.frames, flags.rounds, flags.stops], [45, 1, 3]);
  assert.deepEqual([flags.pages, flags.workers], [['dom', 'canvas'], [2]]);
});

test('wrong flags are named', () => {
  assert.throws(() => parseFlags(['--pages', 'dom,nothing']), /--pages: nothing is none of dom, text/);
  assert.throws(() => parseFlags(['--modes', 'fastest']), /--modes: fastest is none of default/);
  assert.throws(() => parseFlags(['--only', 'sped']), /--only: sped/);
  assert.throws(() => parseFlags(['--tools', 'other']), /--tools: other is none of remotion/);
  assert.throws(() => parseFlags(['--frames', '3']), /--frames must be a whole number from 20/);
  assert.throws(() => parseFlags(['--workers', '1,x']), /--workers must be a whole number from 1/);
  assert.throws(() => parseFlags(['--peers', '--only', 'stop']), /leave out --only/);
});

test('help is no set of flags', () => {
  assert.equal(parseFlags(['--help']), undefined);
});
