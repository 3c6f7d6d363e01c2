import { InputError, readComposition, type Composition } from '@genlock/renderer';
import { checkDestination } from './destination.js';
import { optionsFromFlags, timeoutFromFlag, type RenderFlags } from './flags.js';
import { locatePage, type PageInput } from './input.js';
import { readProps, type Props } from './props.js';
import type { Request } from './settings.js';

/**
 * Reads everything that a command was asked for: flags, page, props, destinations. Faults are
 * gathered in the request rather than thrown, so that all are told at once. `example` is an output
 * of the right kind, which stands in for a missing one.
 */
export async function readRequest(
  page: string | undefined,
  flags: RenderFlags,
  example: string,
  signal: AbortSignal,
): Promise<{ request: Request; input: PageInput | undefined }> {
  const problems: string[] = [];
  if (page === undefined) problems.push('no page given: name an address, a file or a folder');
  if (flags.output === undefined) problems.push(`no output given: -o ${example}`);
  const timeoutMs = timeoutFromFlag(flags.timeout);
  if (Number.isNaN(timeoutMs)) problems.push(`--timeout must be a number of seconds above 0 (given: ${flags.timeout})`);

  const props = flags.props === undefined ? undefined : await readProps(flags.props);
  if (props && 'problem' in props) problems.push(props.problem);

  const { input, composition, inputError } =
    page === undefined ? {} : await readPage(page, flags.root, timeoutMs || undefined, signal);
  if (inputError) problems.push(inputError.message);
  problems.push(...(await checkDestinations(flags, input, props)));

  const request: Request = {
    given: optionsFromFlags(flags),
    composition,
    props: props && 'value' in props ? props.value : undefined,
    output: flags.output || example,
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
  root: string | undefined,
  timeoutMs: number | undefined,
  signal: AbortSignal,
): Promise<ReadPage> {
  try {
    const input = await locatePage(page, root);
    const composition = await readComposition(input.url, { signal, ...(timeoutMs ? { timeoutMs } : {}) });
    return { input, composition };
  } catch (error) {
    if (error instanceof InputError) return { inputError: error };
    throw error;
  }
}

async function checkDestinations(
  { output, frameHashes, overwrite = false }: RenderFlags,
  input: PageInput | undefined,
  props: Props | undefined,
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
  return problems;
}
