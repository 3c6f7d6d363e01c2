import { verifyPage } from '@genlock/renderer';
import { acquireHost } from '@genlock/renderer/internal';
import { verdictLines } from '../display/verdictLines.js';
import type { PageFlags } from '../flags.js';
import { plural } from '../format.js';
import { folderOptions, openPage } from '../input.js';
import { readRequest } from '../request.js';
import { verifySettings } from '../settings.js';
import type { Terminal } from '../terminal.js';
import { checkBrowser } from '../tools.js';

/** `genlock verify`: draws samples of a page in several ways and reports whether they are identical. */
export async function verify(
  page: string | undefined,
  flags: PageFlags,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const { request, input } = await readRequest(page, flags, { folder: 'genlock-verify' }, signal);
  const { options, plan } = verifySettings(request, input?.url ?? 'about:blank');
  // Without a page, verifySettings has thrown.
  if (!input) return;
  await using _host = await acquireHost();
  checkBrowser(flags);
  signal.throwIfAborted();

  await using opened = await openPage(input, folderOptions(flags, terminal.event));
  terminal.wording = opened.withPaths;
  const { samples, width, height, concurrency } = plan;
  terminal.display.begin(
    plan,
    `drawing ${plural(samples.length, 'sample')} at ${width}x${height} in four ways, ` +
      `${plural(plan.frameCount, 'picture')} in all, with ${plural(concurrency, 'worker')}`,
  );
  const verdict = await verifyPage(opened.url, options, { signal, onEvent: terminal.event });
  const declaresSeek = request.composition?.entry === 'seek';
  terminal.result(verdictLines(verdict, declaresSeek), { type: 'verify', ...verdict });
  if (!verdict.deterministic || (declaresSeek && !verdict.seekable)) process.exitCode = 1;
}
