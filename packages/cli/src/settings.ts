import {
  OptionsError,
  planVerification,
  RenderOrchestrator,
  type Composition,
  type InputError,
  type RenderPlan,
  type VerifyOptions,
  type VerifyPlan,
} from '@genlock/renderer';
import { parseFrameNumber, parseFrameRange, type FrameRange, type GivenOptions } from './flags.js';
import { wordProblem } from './messages.js';

/** A request, as far as it could be read. Each fault goes into `problems`, so that all are told at once. */
export interface Request {
  /** What the flags say. */
  given: GivenOptions;
  /** What the page says; undefined when the page itself could not be read. */
  composition: Composition | undefined;
  /** What `--props` says. */
  props: Record<string, unknown> | undefined;
  /** Where the file will be. */
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

/** Stands in for what is missing, so that the rest can be checked all the same. */
const PLACEHOLDERS = { width: 64, height: 64, fps: 30 } as const;
const EXAMPLES = { width: '1920', height: '1080', fps: '30', durationInSeconds: '5' } as const;

/**
 * The options of `genlock render`: flags first, then what the page declares. Throws an OptionsError
 * with the faults that the request had already and those found here. `url` is for the plan alone.
 */
export function renderSettings(request: Request, url: string, framesFlag: string | undefined): Settings {
  const range = framesFlag === undefined ? undefined : readRange(framesFlag, request.problems);
  const options = mergeOptions(request);
  const hasLength = options.durationInSeconds !== undefined || options.frameCount !== undefined;
  if (!hasLength && framesFlag === undefined) noteMissing('durationInSeconds', request);
  const length = lengthInFrames(request, url, options);
  if (range && hasLength && length !== undefined) checkInside(range.first, range.last, length, '--frames', request);
  throwProblems(request);

  const { durationInSeconds: _replaced, ...rest } = options;
  const chosen = range ? { ...rest, startFrame: range.first, frameCount: range.last - range.first + 1 } : options;
  return { options: chosen as PlanOptions, plan: RenderOrchestrator.plan(url, request.output, chosen as PlanOptions) };
}

/** The same for `genlock still`: the options hold no range; `plan` is of the one frame. */
export function stillSettings(
  request: Request,
  url: string,
  frameFlag: string | undefined,
): Settings & { frame: number } {
  const frame = parseFrameNumber(frameFlag);
  if (typeof frame === 'string') request.problems.push(frame);
  if (!/\.png$/i.test(request.output) && request.output !== '') {
    request.problems.push(`the output ${request.output} must end in .png`);
  }
  const options = mergeOptions(request);
  // As far as its options go, a still is a lossless video of one frame.
  const asVideo: Request = { ...request, output: 'still.mkv' };
  const length = lengthInFrames(asVideo, url, { ...options, lossless: true });
  const hasLength = options.durationInSeconds !== undefined || options.frameCount !== undefined;
  if (typeof frame === 'number' && hasLength && length !== undefined)
    checkInside(frame, frame, length, '--frame', request);
  throwProblems(request);
  if (typeof frame === 'string') throw new OptionsError([frame]);

  const { durationInSeconds: _duration, frameCount: _count, ...still } = options;
  const oneFrame = { ...still, lossless: true, startFrame: frame, frameCount: 1, concurrency: 1 } as PlanOptions;
  return { options: still as PlanOptions, plan: RenderOrchestrator.plan(url, 'still.mkv', oneFrame), frame };
}

/** The same for `genlock verify`. */
export function verifySettings(request: Request, url: string): { options: VerifyOptions; plan: VerifyPlan } {
  const options = { ...mergeOptions(request), pictures: request.output };
  if (options.durationInSeconds === undefined && options.frameCount === undefined) {
    noteMissing('durationInSeconds', request);
  }
  const plan = checkAll(request, options, (complete) => planVerification(url, complete as VerifyOptions));
  throwProblems(request);
  return { options: options as VerifyOptions, plan: plan! };
}

function throwProblems({ problems, inputError }: Request): void {
  if (inputError && problems.length === 1) throw inputError;
  // What the library finds in the options may have been found in the flags before.
  if (problems.length > 0) throw new OptionsError([...new Set(problems)]);
}

function mergeOptions({ given, composition, props }: Request): GivenOptions {
  const { url: _url, props: declaredProps, ...declared } = composition ?? { url: '' };
  // A duration that is typed replaces the page's length, however the page words it.
  if (given.durationInSeconds !== undefined) delete declared.frameCount;
  const inputProps = declaredProps || props ? { ...declaredProps, ...props } : undefined;
  return { ...declared, ...given, ...(inputProps ? { inputProps } : {}) };
}

/** Checks everything but the range. Undefined when the options are not usable. */
function lengthInFrames(request: Request, url: string, options: GivenOptions): number | undefined {
  const plan = (complete: GivenOptions) => RenderOrchestrator.plan(url, request.output, complete as PlanOptions);
  return checkAll(request, options, plan)?.frameCount;
}

/** Plans with placeholders for what is missing, and notes every fault. Undefined when there is one in the options. */
function checkAll<Plan>(
  request: Request,
  options: GivenOptions,
  plan: (options: GivenOptions) => Plan,
): Plan | undefined {
  if (request.composition) {
    for (const name of ['width', 'height', 'fps'] as const) if (options[name] === undefined) noteMissing(name, request);
  }
  const hasLength = options.durationInSeconds !== undefined || options.frameCount !== undefined;
  try {
    return plan({ ...PLACEHOLDERS, ...(hasLength ? {} : { frameCount: 1 }), ...options });
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    const fromPage = (name: string) =>
      Object.hasOwn(request.composition ?? {}, name) && !Object.hasOwn(request.given, name);
    request.problems.push(...error.problems.map((problem) => wordProblem(problem, fromPage)));
    return undefined;
  }
}

function noteMissing(name: keyof typeof EXAMPLES, { composition, problems }: Request): void {
  // A page that could not be read may well declare it.
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

function checkInside(first: number, last: number, length: number, flag: string, { problems }: Request): void {
  if (last < length) return;
  const asked = first === last ? `frame ${first}` : `frames ${first}-${last}`;
  problems.push(`${flag} asks for ${asked}, but the composition has ${length}: 0 to ${length - 1}`);
}
