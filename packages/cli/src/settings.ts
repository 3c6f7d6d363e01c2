import {
  OptionsError,
  RenderOrchestrator,
  type Composition,
  type InputError,
  type RenderPlan,
  type StillOptions,
  type VerifyOptions,
} from '@genlock/renderer';
import { checkStill, framesIn, parseFrameRate, planVerification, type VerifyPlan } from '@genlock/renderer/internal';
import { parseFrameNumber, parseFrameRange, type FrameRange, type GivenOptions } from './flags.js';
import { withFlagNames } from './messages.js';

/** A request, as far as it could be read. All problems are collected, so that they are reported at once. */
export interface Request {
  /** The options given by flags. */
  given: GivenOptions;
  /** What the page declares; undefined if the page could not be read. */
  composition: Composition | undefined;
  /** The value of `--props`. */
  props: Record<string, unknown> | undefined;
  /** Path of the file to write. */
  output: string;
  problems: string[];
  /** Why the page could not be read; its message is among the problems. */
  inputError: InputError | undefined;
}

type PlanOptions = Parameters<typeof RenderOrchestrator.plan>[2];

/** The options of a render, with its plan. */
export interface Settings {
  options: PlanOptions;
  plan: RenderPlan;
}

/** Used in place of missing options, so that the others can still be checked. */
const PLACEHOLDERS = { width: 64, height: 64, fps: 30 } as const;
const EXAMPLES = { width: '1920', height: '1080', fps: '30', durationInSeconds: '5' } as const;

/**
 * The options of `genlock render`: the page's declaration, overridden by flags. Throws an OptionsError with the
 * problems already in the request and those found here. `url` is only used for the plan.
 */
export function renderSettings(request: Request, url: string, framesFlag: string | undefined): Settings {
  const range = framesFlag === undefined ? undefined : readRange(framesFlag, request.problems);
  const options = mergeOptions(request);
  if (!hasLength(options) && framesFlag === undefined) noteMissing('durationInSeconds', request);
  const part = range && { startFrame: range.first, frameCount: range.last - range.first + 1 };
  const outside = range && describeOutside(range, options, '--frames');
  // The duration must be valid even if a range replaces it.
  const plan = checkAll(request, outside === undefined ? { ...options, ...part } : options, (complete) =>
    RenderOrchestrator.plan(url, request.output, complete),
  );
  if (plan && outside !== undefined) request.problems.push(outside);
  throwProblems(request);

  const { durationInSeconds: _replaced, ...rest } = options;
  return { options: (part ? { ...rest, ...part } : options) as PlanOptions, plan: plan! };
}

/** The same for `genlock still`: the options hold no range. */
export function stillSettings(
  request: Request,
  url: string,
  frameFlag: string | undefined,
): { options: Omit<StillOptions, 'frame'>; frame: number } {
  const read = parseFrameNumber(frameFlag);
  if (typeof read === 'string') request.problems.push(read);
  if (!/\.png$/i.test(request.output) && request.output !== '') {
    request.problems.push(`the output ${request.output} must end in .png`);
  }
  const frame = typeof read === 'string' ? 0 : read;
  const options = mergeOptions(request);
  const outside = describeOutside({ first: frame, last: frame }, options, '--frame');
  const isRight = checkAll(request, options, (complete) => {
    checkStill({ ...complete, frame: outside === undefined ? frame : 0 });
    return true;
  });
  if (isRight && outside !== undefined) request.problems.push(outside);
  throwProblems(request);

  const { durationInSeconds: _duration, frameCount: _count, ...still } = options;
  return { options: still as Omit<StillOptions, 'frame'>, frame };
}

/** The same for `genlock verify`. */
export function verifySettings(request: Request, url: string): { options: VerifyOptions; plan: VerifyPlan } {
  const options = { ...mergeOptions(request), pictures: request.output } as VerifyOptions;
  if (!hasLength(options)) noteMissing('durationInSeconds', request);
  const plan = checkAll(request, options, (complete) => planVerification(url, { ...options, ...complete }));
  throwProblems(request);
  return { options, plan: plan! };
}

function throwProblems({ problems, inputError }: Request): void {
  if (inputError && problems.length === 1) throw inputError;
  // The library may report a problem that was already found in the flags.
  if (problems.length > 0) throw new OptionsError([...new Set(problems)]);
}

function mergeOptions({ given, composition, props }: Request): GivenOptions {
  const { url: _url, props: declaredProps, ...declared } = composition ?? { url: '' };
  // A duration given by flag replaces the page's length, however the page declares it.
  if (given.durationInSeconds !== undefined) delete declared.frameCount;
  const inputProps = declaredProps || props ? { ...declaredProps, ...props } : undefined;
  return { ...declared, ...given, ...(inputProps ? { inputProps } : {}) };
}

function hasLength({ durationInSeconds, frameCount }: GivenOptions): boolean {
  return durationInSeconds !== undefined || frameCount !== undefined;
}

/** Plans with placeholders for missing options and collects every problem. Undefined if the options are invalid. */
function checkAll<Plan>(
  request: Request,
  options: GivenOptions,
  plan: (options: PlanOptions) => Plan,
): Plan | undefined {
  if (request.composition) {
    for (const name of ['width', 'height', 'fps'] as const) if (options[name] === undefined) noteMissing(name, request);
  }
  try {
    return plan({ ...PLACEHOLDERS, ...(hasLength(options) ? {} : { frameCount: 1 }), ...options });
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    const fromPage = (name: string) =>
      Object.hasOwn(request.composition ?? {}, name) && !Object.hasOwn(request.given, name);
    request.problems.push(...error.problems.map((problem) => withFlagNames(problem, fromPage)));
    return undefined;
  }
}

function noteMissing(name: keyof typeof EXAMPLES, { composition, problems }: Request): void {
  // A page that could not be read might declare it.
  if (!composition) return;
  const [what, flag] = name === 'durationInSeconds' ? ['duration', '--duration'] : [name, `--${name}`];
  problems.push(
    `${what} is missing: give ${flag} ${EXAMPLES[name]}, or declare it in the page with ` +
      `<script type="application/genlock+json">{"${name}": ${EXAMPLES[name]}}</script>`,
  );
}

function readRange(text: string, problems: string[]): FrameRange | undefined {
  const range = parseFrameRange(text);
  if (typeof range !== 'string') return range;
  problems.push(range);
  return undefined;
}

/** An error message if a range lies outside the composition, as far as its length is known. */
function describeOutside({ first, last }: FrameRange, options: GivenOptions, flag: string): string | undefined {
  const { frameCount, durationInSeconds, fps } = options;
  const rate = parseFrameRate(fps);
  const length = frameCount ?? (rate && durationInSeconds !== undefined ? framesIn(durationInSeconds, rate) : Infinity);
  // Also false if the length is not a number, which is reported elsewhere.
  if (!(last >= length)) return undefined;
  const asked = first === last ? `frame ${first}` : `frames ${first}-${last}`;
  return `${flag} asks for ${asked}, but the composition has ${length}: 0 to ${length - 1}`;
}
