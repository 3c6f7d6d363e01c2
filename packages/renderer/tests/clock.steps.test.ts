import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { ClockPages } from './support/clockPages.js';
import { LONG } from './support/extent.js';

const pages = new ClockPages();
after(() => pages[Symbol.asyncDispose]());

/** A fraction, as numbers that hold both parts exactly. */
type Fraction = readonly [num: number, den: number];

interface Steps {
  /** Of one iteration, in milliseconds. */
  duration: Fraction;
  steps: number;
  position?: 'start' | 'end' | 'jump-both' | 'jump-none';
  direction?: 'normal' | 'reverse' | 'alternate' | 'alternate-reverse';
  /** In milliseconds. */
  delay?: number;
  iterations?: number;
  /** Of Web Animations only. */
  rate?: Fraction;
  iterationStart?: number;
  /** Where in an iteration the steps begin and end. */
  between?: readonly [from: Fraction, to: Fraction];
}

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b));

/** Rational numbers: what is expected has no rounding errors. */
class Exact {
  private constructor(
    readonly num: bigint,
    readonly den: bigint,
  ) {}
  static of(num: number | bigint, den: number | bigint = 1): Exact {
    let [a, b] = [BigInt(num), BigInt(den)];
    if (b < 0n) [a, b] = [-a, -b];
    const by = gcd(a < 0n ? -a : a, b) || 1n;
    return new Exact(a / by, b / by);
  }
  plus({ num, den }: Exact): Exact {
    return Exact.of(this.num * den + num * this.den, this.den * den);
  }
  minus({ num, den }: Exact): Exact {
    return this.plus(new Exact(-num, den));
  }
  times({ num, den }: Exact): Exact {
    return Exact.of(this.num * num, this.den * den);
  }
  over({ num, den }: Exact): Exact {
    return Exact.of(this.num * den, this.den * num);
  }
  floor(): number {
    const whole = this.num / this.den;
    return Number(this.num < 0n && this.num % this.den !== 0n ? whole - 1n : whole);
  }
  isBelow(other: Exact): boolean {
    return this.minus(other).num < 0n;
  }
}
const [ZERO, ONE] = [Exact.of(0), Exact.of(1)];

/** The step that is shown at a time, as CSS and Web Animations define it; of `steps`, or 0 where there is no effect. */
function expectedStep(of: Steps, milliseconds: Exact): number {
  const { duration, steps, position = 'end', direction = 'normal', delay = 0, iterations = Infinity } = of;
  const local = milliseconds.times(Exact.of(...(of.rate ?? [1, 1])));
  const active = local.minus(Exact.of(delay));
  if (active.isBelow(ZERO)) return 0;
  const whole = Exact.of(...duration);
  const start = startOf(of);
  const overall = active.over(whole).plus(start);
  const end = Number.isFinite(iterations) ? Exact.of(iterations) : undefined;
  if (end && !active.over(whole).isBelow(end)) return 0;
  const iteration = overall.floor();
  const simple = overall.minus(Exact.of(iteration));
  const isBackwards =
    direction === 'reverse' ||
    (direction === 'alternate' && iteration % 2 === 1) ||
    (direction === 'alternate-reverse' && iteration % 2 === 0);
  const directed = isBackwards ? ONE.minus(simple) : simple;
  const [from, to] = (
    of.between ?? [
      [0, 1],
      [1, 1],
    ]
  ).map(([num, den]) => Exact.of(num, den)) as [Exact, Exact];
  if (directed.isBelow(from)) return 0;
  if (!directed.isBelow(to) && of.between) return steps;
  const share = directed.minus(from).over(to.minus(from));
  const jumps = steps + (position === 'jump-both' ? 1 : position === 'jump-none' ? -1 : 0);
  const step = share.times(Exact.of(steps)).floor() + (position === 'start' || position === 'jump-both' ? 1 : 0);
  return (Math.max(0, Math.min(step, jumps)) * steps) / jumps;
}

const startOf = ({ iterationStart = 0 }: Steps) => Exact.of(Math.round(iterationStart * 100), 100);

/** Whether an iteration that goes backwards begins at a time, but the very first one. */
function isTurn(of: Steps, milliseconds: Exact): boolean {
  const { duration, delay = 0, direction = 'normal', rate = [1, 1] } = of;
  const local = milliseconds.times(Exact.of(...rate));
  const iterations = local
    .minus(Exact.of(delay))
    .over(Exact.of(...duration))
    .plus(startOf(of));
  return direction !== 'normal' && iterations.den === 1n && iterations.num > 0n;
}

const decimal = ([num, den]: Fraction) => num / den;
const percent = ([num, den]: Fraction) => `${(100 * num) / den}%`;

/** What moves by steps, from 0px to as many pixels as it has steps. */
function cssAnimation(of: Steps, index: number): string {
  const { duration, steps, position = 'end', direction = 'normal', delay = 0, iterations = Infinity } = of;
  const easing = `animation-timing-function: steps(${steps}, ${position})`;
  const frames = of.between
    ? `${percent(of.between[0])} { left: 0px; ${easing} } ${percent(of.between[1])} { left: ${steps}px }`
    : `from { left: 0px; ${easing} }`;
  return `<style>@keyframes k${index} { from { left: 0px } ${frames} to { left: ${steps}px } }
    #css${index} { animation: k${index} ${decimal(duration)}ms ${delay}ms ${Number.isFinite(iterations) ? iterations : 'infinite'} ${direction} }</style><p id="css${index}"></p>`;
}

function webAnimation(of: Steps, index: number, inKeyframes: boolean): string {
  const { duration, steps, position = 'end', direction = 'normal', delay = 0, iterations = Infinity, rate } = of;
  const easing = `'steps(${steps}, ${position})'`;
  const [from, to] = of.between ?? [
    [0, 1],
    [1, 1],
  ];
  const outside = of.between && `{ left: '${steps}px' }`;
  const frames = `[${of.between ? "{ left: '0px' }," : ''} { left: '0px', offset: ${decimal(from)}, easing: ${inKeyframes || of.between ? easing : "'linear'"} },
    { left: '${steps}px', offset: ${decimal(to)} }, ${outside ?? ''}]`;
  const options = `{ duration: ${duration[0]} / ${duration[1]}, easing: ${inKeyframes || of.between ? "'linear'" : easing}, direction: '${direction}', delay: ${delay},
    iterations: ${iterations}, iterationStart: ${of.iterationStart ?? 0} }`;
  const id = `${inKeyframes ? 'key' : 'waapi'}${index}`;
  const speed = rate ? `.playbackRate = ${rate[0]} / ${rate[1]}` : '';
  return `<p id="${id}"></p><script>${id}.animate(${frames}, ${options})${speed}</script>`;
}

const CASES: Steps[] = [
  { duration: [400, 1], steps: 12 },
  { duration: [1000, 1], steps: 12 },
  { duration: [1000, 1], steps: 24 },
  { duration: [1000, 1], steps: 25 },
  { duration: [1000, 1], steps: 30, position: 'start' },
  { duration: [4004, 10], steps: 12 },
  { duration: [1001, 1], steps: 30 },
  { duration: [1001, 1], steps: 24, direction: 'reverse' },
  { duration: [4900, 3], steps: 49 },
  { duration: [49000, 25], steps: 49, position: 'jump-both' },
  { duration: [400, 1], steps: 1 },
  { duration: [400, 1], steps: 12, position: 'jump-none' },
  { duration: [400, 1], steps: 12, position: 'jump-both', direction: 'reverse' },
  { duration: [400, 1], steps: 12, direction: 'reverse' },
  { duration: [400, 1], steps: 12, direction: 'alternate' },
  { duration: [700, 1], steps: 7, direction: 'alternate-reverse', position: 'start' },
  { duration: [400, 1], steps: 12, delay: 100 },
  { duration: [600, 1], steps: 9, delay: -250 },
  { duration: [600, 1], steps: 9, delay: -250, direction: 'reverse' },
  { duration: [300, 1], steps: 3, iterations: 3, delay: 200 },
  { duration: [300, 1], steps: 3, iterations: 4, direction: 'alternate' },
  // Not quite, or just about: a step earlier or later than those that a frame meets.
  { duration: [4001, 10], steps: 12 },
  { duration: [3999, 10], steps: 12 },
  { duration: [4001, 10], steps: 12, direction: 'reverse' },
  { duration: [3999, 10], steps: 12, direction: 'reverse' },
  {
    duration: [1200, 1],
    steps: 6,
    between: [
      [1, 4],
      [3, 4],
    ],
  },
  {
    duration: [900, 1],
    steps: 5,
    between: [
      [1, 10],
      [3, 5],
    ],
    direction: 'alternate',
  },
];

const SCRIPTED: Steps[] = [
  ...CASES,
  { duration: [400, 1], steps: 12, rate: [1, 2] },
  { duration: [400, 1], steps: 12, rate: [3, 1] },
  { duration: [1000, 3], steps: 10, rate: [1, 1] },
  { duration: [1000, 1], steps: 7, rate: [7, 10], direction: 'alternate' },
  { duration: [400, 1], steps: 8, iterationStart: 0.25 },
  { duration: [400, 1], steps: 8, iterationStart: 0.25, direction: 'reverse' },
];

/** Begin in frame 0. */
const TRANSITIONS: Steps[] = [
  { duration: [400, 1], steps: 12, iterations: 1 },
  { duration: [1000, 1], steps: 30, iterations: 1, delay: 200 },
  { duration: [4004, 10], steps: 12, iterations: 1, delay: -100 },
];

function transition({ duration, steps, delay = 0 }: Steps, index: number): string {
  return `<p id="transition${index}" style="transition: left ${decimal(duration)}ms steps(${steps}) ${delay}ms"></p>`;
}

function expectedTransition(of: Steps, time: Exact): number {
  const end = Exact.of(...of.duration).plus(Exact.of(of.delay ?? 0));
  return time.isBelow(end) ? expectedStep(of, time) : of.steps;
}

interface Discrete {
  /** In milliseconds. */
  duration: number;
  count: number;
  keyTimes?: number[];
  begin?: number;
}

const SMIL: Discrete[] = [
  { duration: 600, count: 12 },
  { duration: 400, count: 12 },
  { duration: 1000, count: 24 },
  { duration: 1000, count: 49 },
  { duration: 1001, count: 30 },
  { duration: 600, count: 6, begin: 100 },
  { duration: 1000, count: 4, keyTimes: [0, 0.25, 0.5, 0.75] },
  { duration: 1000, count: 5, keyTimes: [0, 0.1, 0.3, 0.4, 0.9], begin: 200 },
  { duration: 30_000, count: 900 },
  { duration: 3000, count: 3, keyTimes: [0, 0.3334, 0.6667] },
];

function smil({ duration, count, keyTimes, begin = 0 }: Discrete, index: number): string {
  const values = Array.from({ length: count }, (_, value) => value).join(';');
  const times = keyTimes ? `keyTimes="${keyTimes.join(';')}"` : '';
  return `<svg><rect id="smil${index}" x="0"><animate attributeName="x" calcMode="discrete" values="${values}" ${times}
    dur="${duration}ms" begin="${begin}ms" repeatCount="indefinite"/></rect></svg>`;
}

function expectedValue({ duration, count, keyTimes, begin = 0 }: Discrete, milliseconds: Exact): number {
  const active = milliseconds.minus(Exact.of(begin));
  if (active.isBelow(ZERO)) return 0;
  const overall = active.over(Exact.of(duration));
  const simple = overall.minus(Exact.of(overall.floor()));
  if (!keyTimes) return simple.times(Exact.of(count)).floor();
  return keyTimes.findLastIndex((time) => !simple.isBelow(Exact.of(Math.round(time * 1e4), 1e4)));
}

const html = `<style>p { position: absolute; left: 0px }</style>
  ${CASES.map(cssAnimation).join('\n')}
  ${SCRIPTED.map((each, index) => webAnimation(each, index, index % 2 === 1)).join('\n')}
  ${TRANSITIONS.map(transition).join('\n')}
  ${SMIL.map(smil).join('\n')}`;
const script = `
  const numbers = [...document.querySelectorAll('p')].map((p) => [p.id, () => parseFloat(getComputedStyle(p).left)]);
  for (const rect of document.querySelectorAll('rect')) numbers.push([rect.id, () => rect.x.animVal.value]);
  const lefts = ${JSON.stringify(TRANSITIONS.map(({ steps }) => `${steps}px`))};
  globalThis.frame = (n) => {
    if (n === 0) lefts.forEach((left, index) => { document.getElementById('transition' + index).style.left = left; });
    say(n, Object.fromEntries(numbers.map(([id, read]) => [id, read()])));
  };`;

async function checkSteps(num: number, den: number, startFrame: number, frameCount: number): Promise<void> {
  const fps = den === 1 ? num : `${num}/${den}`;
  const said = await pages.render(pages.page(script, html), { fps, startFrame, frameCount, entry: 'seek' });
  const wrong: string[] = [];
  let seen = 0;
  for (const [frame, values] of said as unknown as [number, Record<string, number>][]) {
    if (frame < startFrame) continue;
    seen++;
    const time = Exact.of(frame * den * 1000, num);
    const check = (id: string, expected: number, what: object) => {
      if (Math.abs((values[id] ?? -1) - expected) > 1e-3)
        wrong.push(`frame ${frame}, ${id}: ${values[id]} instead of ${expected} of ${JSON.stringify(what)}`);
    };
    // An iteration that goes backwards begins with its end, at one moment only: between the numbers, the browser
    // may have none for that moment (3 times 0.4 s is one). Then it shows what comes just after.
    const justAfter = time.plus(Exact.of(1, 1e6));
    const checkStep = (id: string, of: Steps) => {
      const exact = expectedStep(of, time);
      const isMissed = isTurn(of, time) && values[id] !== exact;
      check(id, isMissed ? expectedStep(of, justAfter) : exact, of);
    };
    CASES.forEach((of, index) => checkStep(`css${index}`, of));
    SCRIPTED.forEach((of, index) => checkStep(`${index % 2 === 1 ? 'key' : 'waapi'}${index}`, of));
    TRANSITIONS.forEach((of, index) => check(`transition${index}`, expectedTransition(of, time), of));
    // The browser cuts some durations short, by a microsecond in each iteration: 1.001 s is 1.000999 s.
    const isKept = ({ duration }: Discrete) => Math.trunc((duration / 1000) * 1e6) === duration * 1000;
    const counted = SMIL.map((of, index) => ({ of, index })).filter(({ of }) => startFrame === 0 || isKept(of));
    counted.forEach(({ of, index }) => check(`smil${index}`, expectedValue(of, time), of));
  }
  assert.equal(seen, frameCount);
  assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} are wrong`);
}

describe('what moves by steps is at the very step that a frame reaches', () => {
  it('at 30 frames a second', () => checkSteps(30, 1, 0, 60));
  it('at 30000/1001 frames a second, ten minutes in', () => checkSteps(30_000, 1001, 18_000, 30));
  for (const [num, den] of [
    [24, 1],
    [25, 1],
    [60, 1],
    [50, 1],
    [24_000, 1001],
    [60_000, 1001],
    [12, 1],
    [7, 1],
  ] as const) {
    it(`at ${num}/${den} frames a second`, LONG, () => checkSteps(num, den, 0, 120));
    it(`at ${num}/${den} frames a second, ten minutes in`, LONG, () => {
      return checkSteps(num, den, Math.floor((600 * num) / den), 120);
    });
  }
});
