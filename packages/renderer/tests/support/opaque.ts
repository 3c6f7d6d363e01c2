import { inspect } from 'node:util';
import { EncoderError, StallError } from '../../src/errors.js';

function no(): never {
  throw new Error('nobody may look');
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

/** An error that throws at each look at one of its fields. */
function withThrowing(field: string, error: Error = new Error('own')): Error {
  return Object.defineProperty(error, field, { get: no });
}

const traps = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((trap) => [trap, no])) as ProxyHandler<Error>;

/** Values that throw when they are looked at, or that are no text: what a user may abort with, and an executor throw. */
export const OPAQUE: readonly (readonly [string, unknown])[] = [
  ['an object without a prototype', Object.create(null)],
  ['an object whose toString throws', { toString: no, valueOf: no }],
  ['an object whose toString returns an object', { toString: () => ({}) }],
  ['an object whose toPrimitive throws', { [Symbol.toPrimitive]: no }],
  ['an object that throws when it is inspected', { toString: no, [inspect.custom]: no }],
  [
    'an object whose tag throws',
    {
      get [Symbol.toStringTag]() {
        return no();
      },
    },
  ],
  [
    'an object with a field that throws',
    {
      get stop() {
        return no();
      },
    },
  ],
  ['a revoked Proxy', revoked({})],
  ['a revoked Proxy of a function', revoked(() => {})],
  ['a revoked Proxy of an error', revoked(new Error('gone'))],
  ['a Proxy whose traps all throw', new Proxy(new Error('own'), traps)],
  ['a Proxy of a StallError whose traps all throw', new Proxy(new StallError('x', 1, {}), traps)],
  ['an error whose message throws', withThrowing('message')],
  ['an error whose name throws', withThrowing('name', new Error(''))],
  ['an error whose cause throws', withThrowing('cause')],
  ['an error whose stack throws', withThrowing('stack')],
  ['an error whose message is an object', Object.assign(new Error('own'), { message: Object.create(null) })],
  ['an error whose name is a symbol', Object.assign(new Error(''), { name: Symbol('x') })],
  ['a StallError whose position throws', withThrowing('position', new StallError('x', 1, {}))],
  [
    'an EncoderError whose exit throws',
    withThrowing('exit', new EncoderError('x', { code: 1, signal: null, stderr: '' }, {})),
  ],
  ['an object with an endless then', { then: no }],
  ['a thenable', { then: (resolve: (value: string) => void) => resolve('taken for a promise') }],
  ['a symbol', Symbol('stop')],
  ['a class', class Stop {}],
  ['an error without a name', Object.assign(new Error(''), { name: '' })],
  ['an object of many lines', { lines: Array.from({ length: 10_000 }, (_, n) => `line ${n}`) }],
];
