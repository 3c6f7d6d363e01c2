import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as errors from '../src/errors.js';
import {
  codeOf,
  errorFromRecord,
  errorRecord,
  positionOf,
  processWasKilled,
  type ErrorRecord,
} from '../src/errorRecord.js';

const position = { phase: 'capture', worker: 2, frame: 17 } as const;
const killed = { code: null, signal: 'SIGKILL', stderr: '' } as const;
const ended = { code: 1, signal: null, stderr: 'no such codec' } as const;

/** One of each of our errors, by its code. */
const EACH: Record<errors.ErrorCode, errors.GenlockError> = {
  options: new errors.OptionsError(['fps must be above 0', 'width must be even']),
  input: new errors.InputError('there is no such file', position),
  tool: new errors.ToolError('ffmpeg does not start', position, 'SIGKILL'),
  navigation: new errors.NavigationError('http://me:secret@127.0.0.1/', 'it answers 500', position),
  page: new errors.PageError('TypeError: x', 'exception', { url: 'file:///a.html', line: 3, column: 7 }, position),
  asset: new errors.AssetError('http://127.0.0.1/a.png', 404, 'Image', position),
  browser: new errors.BrowserCrashError('the browser is gone', position, 'renderer'),
  encoder: new errors.EncoderError('the encoder ended', killed, position),
  stall: new errors.StallError('the page to load', 500, position),
  budget: new errors.BudgetError('too much memory', 'memory', 100, 120, position),
  verification: new errors.VerificationError('3 frames instead of 4', position),
  seam: new errors.SeamError(9, [0, 1], ['p: text "1" and "2"'], ['a.png'], 'declare it', position),
  teardown: new errors.TeardownError(['/tmp/x']),
};

function acrossProcesses(error: unknown): Error {
  return errorFromRecord(JSON.parse(JSON.stringify(errorRecord(error))) as ErrorRecord);
}

describe('an error as data', () => {
  for (const [code, error] of Object.entries(EACH)) {
    it(`${error.name} comes back as what it was`, () => {
      const back = acrossProcesses(error);
      assert.ok(back instanceof error.constructor, String(back));
      assert.deepEqual(Object.fromEntries(Object.entries(back)), Object.fromEntries(Object.entries(error)));
      assert.deepEqual([back.name, back.message, codeOf(back)], [error.name, error.message, code]);
      assert.deepEqual(positionOf(back), error.position);
      assert.match(back.stack!, new RegExp(error.name));
    });
  }

  it('keeps its causes, of every kind', () => {
    const error = new Error('outer', { cause: new TypeError('middle', { cause: EACH.stall }) });
    const back = acrossProcesses(error);
    const { cause: middle } = back as { cause?: Error };
    assert.deepEqual([back.message, middle!.name, middle!.message], ['outer', 'TypeError', 'middle']);
    assert.ok(middle!.cause instanceof errors.StallError);
  });

  it('is made of whatever was thrown', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const throwing = Object.defineProperty({}, 'message', { get: () => assert.fail('read') });
    for (const value of [
      undefined,
      null,
      5,
      10n,
      'a text',
      Symbol('s'),
      proxy,
      circular,
      throwing,
      Object.create(null),
    ]) {
      assert.equal(typeof acrossProcesses(value).message, 'string');
      assert.equal(processWasKilled(value), false);
    }
  });

  it('says whether something from outside has ended a process, as an instance and as data', () => {
    const { tool, browser, encoder } = EACH;
    for (const error of [tool, browser, encoder]) {
      assert.equal(processWasKilled(error), true);
      assert.equal(processWasKilled(acrossProcesses(error)), true);
    }
    const others = [EACH.stall, new errors.EncoderError('the encoder ended', ended, position), new Error('SIGKILL')];
    for (const error of others) assert.equal(processWasKilled(error), false);
  });
});
