import { InputError, readComposition, type Composition } from '@genlock/renderer';
import { checkDestination, checkOutputFolder } from './destination.js';
import { optionsFromFlags, type GivenOptions, type PageFlags } from './flags.js';
import { locatePage, type PageInput } from './input.js';
import { readProps, type Props } from './props.js';
import type { Request } from './settings.js';

/** How long the page's server may take to answer when its declaration is read, in milliseconds. */
const ANSWER_MS = 15_000;

/**
 * Reads everything that a command was given: flags, page, props, destinations. Problems are collected in the request
 * rather than thrown, so that all are reported at once. `example` is an output of the right kind, used in place of a
 * missing one; an output folder may be missing, and its example is the default.
 */
export async function readRequest(
  page: string | undefined,
  flags: PageFlags,
  example: string | { folder: string },
  signal: AbortSignal,
): Promise<{ request: Request; input: PageInput | undefined }> {
  const problems: string[] = [];
  if (page === undefined) problems.push('no page given: name an address, a file or a folder');
  const isFolder = typeof example === 'object';
  if (flags.output === undefined && !isFolder) problems.push(`no output given: -o ${example}`);
  const output = flags.output || (isFolder ? example.folder : example);
  const given = optionsFromFlags(flags, problems);
  const answerMs = Math.min(given.deadlines?.load ?? ANSWER_MS, given.timeoutMs ?? Infinity);

  const props = flags.props === undefined ? undefined : await readProps(flags.props);
  if (props && 'problem' in props) problems.push(props.problem);

  const { input, composition, inputError } = page === undefined ? {} : await readPage(page, flags, answerMs, signal);
  if (inputError) problems.push(inputError.message);
  const destinationProblems = isFolder
    ? checkOutputFolder(flags.output ?? output, 'the output')
    : checkDestinations(flags, input, props, given);
  problems.push(...(await destinationProblems));

  const request: Request = {
    given,
    composition,
    props: props && 'value' in props ? props.value : undefined,
    output,
    problems,
    inputError,
  };
  return { request, input };
}

interface ReadPage {
  input?: PageInput;
  composition?: Composition;
  inputError?: InputError;
}

async function readPage(
  page: string,
  { root, allowDotfiles, ignoreHttpsErrors }: PageFlags,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ReadPage> {
  try {
    const input = await locatePage(page, root, allowDotfiles);
    const composition = await readComposition(input.url, { signal, timeoutMs, ignoreHttpsErrors });
    return { input, composition };
  } catch (error) {
    if (error instanceof InputError) return { inputError: error };
    throw error;
  }
}

async function checkDestinations(
  { output, frameHashes, overwrite = false }: PageFlags,
  input: PageInput | undefined,
  props: Props | undefined,
  given: GivenOptions,
): Promise<string[]> {
  const read = [
    ...(input?.kind === 'file' ? [{ path: input.file, name: 'the page' }] : []),
    ...(props && 'value' in props && props.file !== undefined ? [{ path: props.file, name: '--props' }] : []),
  ];
  const problems: string[] = [];
  if (output !== undefined) {
    problems.push(...(await checkDestination({ path: output, name: 'the output', overwrite, others: read })));
  }
  if (frameHashes !== undefined) {
    const others = output === undefined ? read : [...read, { path: output, name: 'the output' }];
    problems.push(...(await checkDestination({ path: frameHashes, name: '--frame-hashes', overwrite, others })));
  }
  const { partialOutput } = given;
  if (partialOutput !== undefined && output !== undefined) {
    const others = [...read, { path: output, name: 'the output' }];
    problems.push(...(await checkDestination({ path: partialOutput, name: '--partial', overwrite: true, others })));
  }
  return problems;
}
