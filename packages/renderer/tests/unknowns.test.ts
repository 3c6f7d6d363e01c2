import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EncoderError, StallError } from '../src/errors.js';
import { processWasKilled } from '../src/errorRecord.js';
import { isEcho } from '../src/lifecycle/abort.js';
import { StopRecord } from '../src/lifecycle/StopRecord.js';
import { attempt, isA, nameAndMessageOf, nameOf, messageOf } from '../src/unknowns.js';
import { OPAQUE } from './support/opaque.js';

describe('anything at all', () => {
  for (const [what, value] of OPAQUE) {
    it(`${what} has words, a name, a kind and a place in a receipt`, () => {
      for (const text of [messageOf(value), nameOf(value), nameAndMessageOf(value)]) {
        assert.equal(typeof text, 'string');
        assert.notEqual(text, '');
        assert.ok(text.length < 1100, `${text.length} characters`);
      }
      assert.equal(typeof isA(value, Error), 'boolean');
      assert.equal(typeof processWasKilled(value), 'boolean');
      assert.equal(isEcho(value, value), true);
      assert.equal(isEcho(value, 'another'), false);
      assert.equal(isEcho(new Error('wrapped', { cause: value }), value), true);
      for (const byUser of [true, false]) {
        const record = new StopRecord();
        assert.equal(record.begin(value, byUser, { worker: 3 }), true);
        const event = record.stopped(value, [value], { workers: [], retries: [], leftovers: ['a file'] });
        assert.ok(event.type === 'stopped' && event.error === value);
        assert.equal(event.receipt.message, messageOf(value));
        assert.ok(JSON.parse(JSON.stringify(event.receipt)));
      }
    });
  }

  it('is worded as people would', () => {
    const worded: [unknown, string][] = [
      [new Error('it broke'), 'it broke'],
      [new TypeError(''), 'TypeError'],
      ['a text', 'a text'],
      ['', ''],
      [undefined, 'undefined'],
      [null, 'null'],
      [0, '0'],
      [10n, '10'],
      [Symbol('stop'), 'Symbol(stop)'],
      [{ stop: true }, '{ stop: true }'],
      [Object.create(null), '[Object: null prototype] {}'],
      [{ toString: () => 'its own' }, 'its own'],
    ];
    for (const [value, words] of worded) assert.equal(messageOf(value), words);
    assert.equal(nameAndMessageOf(new RangeError('too far')), 'RangeError: too far');
    assert.equal(nameAndMessageOf(new RangeError()), 'RangeError');
    assert.equal(nameAndMessageOf('a text'), 'a text');
    assert.equal(nameOf(new RangeError()), 'RangeError');
    assert.equal(nameOf(5), 'number');
  });

  it('is looked at without a throw', () => {
    const thrower = (): never => {
      throw new Error('no');
    };
    assert.ok(attempt<unknown>(thrower) === undefined);
    assert.equal(
      attempt(() => 5),
      5,
    );
    assert.equal(isA(new StallError('x', 1, {}), StallError), true);
    assert.equal(isA('text', Error), false);
    const killed = new EncoderError('x', { code: null, signal: 'SIGKILL', stderr: '' }, {});
    assert.equal(processWasKilled(killed), true);
  });
});
